/// Why a command got no answer that it can use.
package enum ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Nobody answers there.
    case unreachable(address: String, reason: String)
    /// The coordinator refused.
    case refused(Refusal)
    /// What came was not what the API answers.
    case badAnswer(address: String, reason: String)
    /// It is not known where the coordinator is, or with which token to ask it.
    case noContext(String)
    /// A file of this machine could not be read.
    case unreadable(path: String, reason: String)
    /// A file was written to while it was sent.
    case changed(path: String)

    /// What a problem document says.
    package struct Refusal: Hashable, Sendable {
        /// The status.
        package var status: Int
        /// For programs.
        package var code: String
        /// For people.
        package var detail: String
        /// What is wrong in a document: `12:18: unknown key…`.
        package var errors: [String]

        /// A refusal.
        package init(status: Int, code: String, detail: String, errors: [String] = []) {
            self.status = status
            self.code = code
            self.detail = detail
            self.errors = errors
        }
    }

    package var description: String {
        switch self {
        case .unreachable(let address, let reason):
            "no coordinator answers at \(address): \(reason); is `fanfold serve` running there?"
        case .refused(let refusal): refusal.detail
        case .badAnswer(let address, let reason):
            "\(address) does not answer as a coordinator does: \(reason)"
        case .noContext(let message): message
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .changed(let path):
            "\(path) was changed while it was sent; submit again when nothing writes to it"
        }
    }
}
