enum Placeholder25064 {}
