"""Rehearses the image and compose.yaml where there is no Docker; knows nothing of the product."""
