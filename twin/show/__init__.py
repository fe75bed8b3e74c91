"""Numbers for people: text, pictures and scenes."""
