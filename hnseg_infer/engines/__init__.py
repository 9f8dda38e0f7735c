"""Engines run one network over the tiles of an image; one file each, interface in ``engine.py``."""
