"""Speaking to Fireworks: credentials, the REST API, the gRPC gateway and its signed downloads."""
