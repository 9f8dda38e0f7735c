"""Network architectures, one file each, composed from ``building_blocks``."""
