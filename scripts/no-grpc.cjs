// Stands for @grpc/grpc-js in programs that speak ttrpc only: all that the generated code does with it when it is loaded.
module.exports = { makeGenericClientConstructor: () => undefined };
