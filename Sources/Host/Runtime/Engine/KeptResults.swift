import FanfoldPlugins

/// The results that a strategy kept after `on_result` returned, which it may still name.
///
/// The contract: a result may be named until `on_result` for it returns, and later only while one
/// of its parts is kept.  Nothing is kept alive here; a loan that has ended is a result that is
/// gone.
///
/// Complexity: constant for each result, amortised; as many entries as results are kept, twice
/// that at most.
struct KeptResults {
    /// Entries below which nothing is cleared away.
    private static let leastEntries = 64

    /// The loans, by the index of the subtask.
    private var loans: [UInt32: UnsafeMutableRawPointer] = [:]
    private var clearAt = leastEntries

    /// Remembers the result of a subtask if the strategy still holds what it was lent.
    ///
    /// - Parameter loan: `owner` of the blob when it was lent.
    mutating func remember(_ index: UInt32, loan: UnsafeMutableRawPointer?) {
        guard let loan, HostBlob.owner(ofLoan: loan) != nil else { return }
        if loans.count >= clearAt {
            loans = loans.filter { HostBlob.owner(ofLoan: $0.value) != nil }
            clearAt = max(Self.leastEntries, loans.count * 2)
        }
        loans[index] = loan
    }

    /// The result of a subtask, if the strategy has kept it.
    func result(of index: UInt32) -> LentPayload? {
        loans[index].flatMap { HostBlob.owner(ofLoan: $0) as? LentPayload }
    }
}
