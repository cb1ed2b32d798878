"""The terminal screens. The only place that imports Textual."""
