/// A small file of text that an option names.
package enum SmallFile {
    /// Bytes of such a file.
    package static let mostBytes = 65_536

    /// Why it cannot be read.
    package struct Problem: Error, CustomStringConvertible {
        /// The file and what is wrong.
        package var description: String
    }

    /// Its text.
    package static func text(
        _ path: String, mostBytes: Int = mostBytes
    ) throws(Problem) -> String {
        do throws(DocumentFile.Unreadable) {
            return String(
                decoding: try DocumentFile.read(path, maximumBytes: mostBytes), as: UTF8.self)
        } catch {
            throw Problem(description: error.message)
        }
    }
}
