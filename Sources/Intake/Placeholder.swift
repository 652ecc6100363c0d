enum Placeholder617 {}
