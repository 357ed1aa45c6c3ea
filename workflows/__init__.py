"""Workflows: guided execution, outcomes with proof, and recommendations built on them."""
