enum Placeholder1376 {}
