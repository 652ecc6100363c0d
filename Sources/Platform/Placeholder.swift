enum Placeholder4969 {}
