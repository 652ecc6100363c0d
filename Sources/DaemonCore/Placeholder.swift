enum Placeholder10752 {}
