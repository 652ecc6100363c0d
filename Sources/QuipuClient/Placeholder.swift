enum Placeholder15992 {}
