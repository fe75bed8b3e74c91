"""The page in which a browser shows a scene."""
