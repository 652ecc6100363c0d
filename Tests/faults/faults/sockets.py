"""S: clients that are slow, many, hostile or gone; floods; other users."""
