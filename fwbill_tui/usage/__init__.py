"""What usage is and what can be asked of it. Pure Polars: no files, no network, no screen."""
