// How the Docker driver is called.

/** The runtime's name, and that of the driver's folder below root and state folder. */
export const DOCKER_RUNTIME = "io.berth.docker.v1";
