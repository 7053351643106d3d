// What tests and the programs that they start are not to inherit from whoever runs them.

/** vitest calls it before all files, once for each project. */
export default function setup(): void {
  // Node reads that file of certificates at every start, longer than many of our programs run. No test needs it: nothing is fetched.
  delete process.env["NODE_EXTRA_CA_CERTS"];
}
