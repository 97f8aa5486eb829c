@preconcurrency import Glibc

/// Where people read: data on standard output, everything else on standard error.
enum Terminal {
    /// Writes a line of data.
    static func print(_ text: String) {
        write(text + "\n", to: stdout)
    }

    /// Writes a line for people.
    static func complain(_ text: String) {
        write(text + "\n", to: stderr)
    }

    /// Writes text for people as it is.
    static func show(_ text: String) {
        write(text, to: stderr)
        fflush(stderr)
    }

    /// Writes what is buffered for standard output.
    ///
    /// Returns: why data was lost, the first time that it was; `nil` if none was, or if its reader
    /// has gone away and wants no more (`fanfold run … | head -n 1`).
    static func flushFailure() -> String? {
        errno = 0
        let isLost = fflush(stdout) != 0 || ferror(stdout) != 0
        let reason = errno
        clearerr(stdout)
        guard isLost, reason != EPIPE, !readerIsGone else { return nil }
        return reason == 0
            ? "not all could be written; is the disk full?" : String(cString: strerror(reason))
    }

    /// Whether standard output is a pipe that nobody reads.
    private static var readerIsGone: Bool {
        var output = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        return poll(&output, 1, 0) == 1 && output.revents & Int16(POLLERR) != 0
    }

    /// Whether standard error is a terminal that understands colour and cursor movement.
    static let isInteractive: Bool =
        isatty(STDERR_FILENO) == 1 && environment("TERM") != "dumb"

    /// Whether standard output is a screen that can be drawn anew.
    static let isScreen: Bool = isatty(STDOUT_FILENO) == 1 && environment("TERM") != "dumb"

    /// Draws a screenful of text on standard output, in the place of what was there.
    static func draw(_ text: String) {
        write(
            "\u{1B}[H" + text.replacing("\n", with: "\u{1B}[K\n") + "\u{1B}[K\n\u{1B}[J", to: stdout
        )
        fflush(stdout)
    }

    /// Writes lines of data that somebody waits for.
    static func printNow(_ lines: [String]) {
        for line in lines { print(line) }
        fflush(stdout)
    }

    /// Whether people want colour: <https://no-color.org>.
    static let hasColour: Bool = isInteractive && environment("NO_COLOR") == nil

    /// Columns of the terminal; 80 if nobody says.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return 80
        }
        return Int(size.ws_col)
    }

    /// Lines of the screen; 24 if nobody says.
    static var height: Int {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else {
            return 24
        }
        return Int(size.ws_row)
    }

    /// A variable of the environment; an empty one counts as none.
    static func environment(_ name: String) -> String? {
        guard let value = getenv(name).map({ String(cString: $0) }) else { return nil }
        return value.isEmpty ? nil : value
    }

    private static func write(_ text: String, to stream: UnsafeMutablePointer<FILE>) {
        var text = text
        text.withUTF8 { bytes in
            _ = fwrite(bytes.baseAddress, 1, bytes.count, stream)
        }
    }
}

/// Columns of equal width, separated by two spaces.
struct TextTable {
    private var rows: [[String]] = []

    /// A table with these headings.
    init(_ headings: [String]) {
        rows.append(headings)
    }

    /// Adds a line.
    mutating func add(_ row: [String]) {
        rows.append(row)
    }

    /// The lines, without white space at their ends.
    var text: String {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                line += cell
                if column < row.count - 1 {
                    line += String(repeating: " ", count: widths[column] - cell.count + 2)
                }
            }
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}

/// Quantities as people write them.
enum Human {
    /// A time: `2.41 s`, `12 ms`, `3 min 20 s`.
    static func time(_ nanoseconds: UInt64) -> String {
        let seconds = Double(nanoseconds) / 1e9
        switch seconds {
        case ..<0.001: return "\(nanoseconds / 1000) µs"
        case ..<1: return "\(nanoseconds / 1_000_000) ms"
        case ..<100: return "\(fixed(seconds, 2)) s"
        default: return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
        }
    }

    /// A size: `512 MiB`.
    static func bytes(_ count: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(fixed(value, 1)) \(units[unit])"
    }

    /// Thousandths of a core as cores: `0.5`.
    static func cores(_ milliCores: Int64) -> String {
        milliCores % 1000 == 0 ? "\(milliCores / 1000)" : fixed(Double(milliCores) / 1000, 2)
    }

    /// Thousandths of a thing with its word: `1 core`, `0.50 cores`.
    static func thousandths(_ value: Int64, _ word: String) -> String {
        "\(cores(value)) \(word)\(value == 1000 ? "" : "s")"
    }

    /// A number with this many digits after the point.
    static func fixed(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let rounded = Int64((abs(value) * scale).rounded())
        let whole = rounded / Int64(scale)
        let rest = String(rounded % Int64(scale))
        let sign = value < 0 && rounded > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        return "\(sign)\(whole)." + String(repeating: "0", count: digits - rest.count) + rest
    }

    /// A word with its number: `1 subtask`, `3 subtasks`.
    static func count(_ number: Int, _ word: String) -> String {
        "\(number) \(word)\(number == 1 ? "" : "s")"
    }
}
