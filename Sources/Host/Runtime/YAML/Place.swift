/// Where something stands in a text file.
package struct Place: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// From 1.
    package var line: Int
    /// In Unicode scalars, from 1.
    package var column: Int

    /// The place with this line and column, both from 1.
    package init(line: Int, column: Int) {
        precondition(line >= 1 && column >= 1, "a place counts from 1")
        self.line = line
        self.column = column
    }

    /// Earlier lines first, then earlier columns.
    package static func < (left: Place, right: Place) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }

    package var description: String { "\(line):\(column)" }
}

/// From the first scalar of something to the one after its last.
package struct PlaceRange: Hashable, Sendable {
    /// The first scalar.
    package var start: Place
    /// The scalar after the last; equal to `start` if there is nothing to underline.
    package var end: Place

    /// The range between two places of one text.
    package init(_ start: Place, _ end: Place) {
        self.start = start
        self.end = max(start, end)
    }
}
