"""Invented usage and an embedded server that speaks Fireworks' wire contract: `fwbill demo`, the tests and the benchmark."""
