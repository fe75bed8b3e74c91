"""Computed room air: meshes, fields, and their exchange with the plant."""
