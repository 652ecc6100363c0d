/// A document without its body.
public struct DocumentSummary: Sendable, Equatable {
    public var id: String
    public var kind: String?
    public var title: String?
    public var task: String?
    public var session: String?
    public var created: Timestamp
    public var updated: Timestamp
    /// Counts up with each change.
    public var version: Int64
    /// Of the body as JSON text.
    public var sizeBytes: Int64

    public init(
        id: String, kind: String?, title: String?, task: String?, session: String?,
        created: Timestamp, updated: Timestamp, version: Int64, sizeBytes: Int64
    ) {
        self.id = id
        self.kind = kind
        self.title = title
        self.task = task
        self.session = session
        self.created = created
        self.updated = updated
        self.version = version
        self.sizeBytes = sizeBytes
    }
}

public struct Document: Sendable, Equatable {
    public var summary: DocumentSummary
    /// JSON text.
    public var body: String

    public init(summary: DocumentSummary, body: String) {
        self.summary = summary
        self.body = body
    }
}

/// `documents.put`: makes a document, or replaces all of it but the time it was made.
public struct DocumentUpdate: Sendable {
    public var id: String
    public var kind: String?
    public var title: String?
    public var task: String?
    public var session: String?
    /// JSON text.
    public var body: String
    /// What can be searched for besides the title: the body's strings.
    public var text: String

    public init(
        id: String, kind: String? = nil, title: String? = nil, task: String? = nil,
        session: String? = nil, body: String, text: String
    ) {
        self.id = id
        self.kind = kind
        self.title = title
        self.task = task
        self.session = session
        self.body = body
        self.text = text
    }
}

/// What one who searches typed, taken apart: words, phrases and beginnings of words, of which a
/// document must have each.
public struct DocumentSearch: Sendable, Equatable {
    public struct Term: Sendable, Equatable {
        public var text: String
        /// The last word only begins so.
        public var isPrefix: Bool

        public init(_ text: String, isPrefix: Bool = false) {
            self.text = text
            self.isPrefix = isPrefix
        }
    }

    public var terms: [Term]

    public init(terms: [Term]) { self.terms = terms }

    /// Words are separated by space; what stands between quotes is a phrase; `*` after a word or a
    /// phrase leaves its end open. All else is text; what has neither letters nor digits is
    /// nothing.
    public init(_ query: String) {
        terms = []
        var text = ""
        var isQuoted = false
        func close(_ terms: inout [Term], isPrefix: Bool) {
            if text.unicodeScalars.contains(where: Self.isOfWord) {
                terms.append(Term(text, isPrefix: isPrefix))
            }
            text = ""
        }
        for scalar in query.unicodeScalars {
            switch scalar {
            case "\"":
                close(&terms, isPrefix: false)
                isQuoted.toggle()
            case "*":
                if text.isEmpty, !isQuoted, let last = terms.indices.last {
                    terms[last].isPrefix = true
                } else if isQuoted {
                    text.unicodeScalars.append(" ")
                } else {
                    close(&terms, isPrefix: true)
                }
            case _ where scalar.value <= 0x20 || scalar.properties.isWhitespace:
                if isQuoted {
                    text.unicodeScalars.append(" ")
                } else {
                    close(&terms, isPrefix: false)
                }
            default: text.unicodeScalars.append(scalar)
            }
        }
        close(&terms, isPrefix: false)
    }

    private static func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .decimalNumber, .letterNumber, .otherNumber, .privateUse:
            true
        default: false
        }
    }
}

/// `documents.list` and `documents.search`.
public struct DocumentQuery: Sendable {
    /// By the time of the last change.
    public var range: TimeRange
    public var filters: [Filter]
    public var page: PageRequest

    public init(range: TimeRange, filters: [Filter] = [], page: PageRequest = PageRequest()) {
        self.range = range
        self.filters = filters
        self.page = page
    }
}

/// A document that was found.
public struct DocumentHit: Sendable, Equatable {
    public var summary: DocumentSummary
    /// The larger, the better it fits; comparable within one answer only.
    public var score: Double
    /// The text around what was found, which stands between `[` and `]`.
    public var snippet: String

    public init(summary: DocumentSummary, score: Double, snippet: String) {
        self.summary = summary
        self.score = score
        self.snippet = snippet
    }
}
