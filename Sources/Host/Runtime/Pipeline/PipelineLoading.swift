import FanfoldJSON

extension Pipeline {
    /// Reads and checks the document at `path`.
    ///
    /// - Parameter overrides: changes from the command line, applied in order before the checks.
    /// - Throws: everything that is wrong, in one go; also if the file cannot be read.
    package static func load(
        path: String, overrides: [Override] = []
    ) throws(DocumentErrors) -> Pipeline {
        throw DocumentErrors([Diagnostic(file: path, message: "not written yet")])
    }
}
