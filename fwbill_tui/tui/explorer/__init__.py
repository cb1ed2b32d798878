"""The parts of the explorer that are not widgets: its history, and the threads that answer its queries."""
