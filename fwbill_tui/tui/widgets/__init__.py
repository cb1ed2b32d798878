"""Widgets: state comes down, messages go up; none of them changes a Query."""
