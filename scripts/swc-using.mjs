// Preloaded into dependency-cruiser: @swc/core parses `using` declarations, but its visitor does not know them and throws.
import visitorModule from "@swc/core/Visitor.js";

const { prototype } = visitorModule.Visitor;
const visitStatement = prototype.visitStatement;

/** @param {import("@swc/core").Statement} statement */
prototype.visitStatement = function visitAnyStatement(statement) {
  // The type is missing from swc's own declarations.
  if (/** @type {{ type: string }} */ (statement).type !== "UsingDeclaration")
    return visitStatement.call(this, statement);
  const { decls } = /** @type {{ decls: import("@swc/core").VariableDeclarator[] }} */ (
    /** @type {unknown} */ (statement)
  );
  this.visitVariableDeclarators(decls);
  return statement;
};
