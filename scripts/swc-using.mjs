// Preloaded into dependency-cruiser: @swc/core parses `using` declarations, but its visitor does not know them and throws.
import { createRequire } from "node:module";

// Not imported: its declarations do not fit those of @swc/types.
const { prototype } = createRequire(import.meta.url)("@swc/core/Visitor.js").Visitor;
const visitStatement = prototype.visitStatement;

/** @param {{ type: string, decls?: unknown[] }} statement */
prototype.visitStatement = function visitAnyStatement(statement) {
  if (statement.type !== "UsingDeclaration") return visitStatement.call(this, statement);
  this.visitVariableDeclarators(statement.decls);
  return statement;
};
