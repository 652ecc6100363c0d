public enum OpenRPCDocument { public static let text = "{}" }
