import FanfoldJSON
import PluginKit

/// Counts votes: for one value, or item by item if every member gives a list.
///
/// Equal numbers are one value (`1` and `1.0`).  The votes are counted in the order of the
/// members, so the order of arrival cannot show.
final class VoteFolder: Folder {
    /// Agreement is listed for every item up to this many items.
    static let maximumAgreementItems = 1_000

    private struct Ballot {
        var index: Int
        var name: String
        var weight: Double
        var value: JSON
    }

    private struct Outcome {
        var winner: JSON
        /// The winner's share of the weight that voted; 0 if there is none.
        var agreement: Double
        var isCertain: Bool
        var isTied: Bool
    }

    private let reading: Reading
    private let rule: Merge.Vote
    private var ballots: [Ballot] = []
    private var format = PieceFormat.json
    private var agreements: [Double] = []
    private var lists = false

    var takesAnyOrder: Bool { true }

    /// Parameter rule: Who wins.
    init(_ reading: Reading, _ rule: Merge.Vote) {
        self.reading = reading
        self.rule = rule
    }

    func fold(_ piece: Piece) throws(PluginError) {
        format = piece.format
        for value in try piece.values(reading) {
            ballots.append(
                Ballot(
                    index: piece.index, name: piece.name,
                    weight: rule.weighted ? piece.weight : 1, value: value.canonical))
        }
    }

    func isDecided(remaining: [Double]) -> Bool {
        guard let columns = try? columns(), !columns.isEmpty else { return false }
        let open = rule.weighted ? remaining : remaining.map { _ in 1 }
        let total = open.reduce(0, +)
        return columns.allSatisfy { outcome($0, remaining: total).isCertain }
    }

    func finish() throws(PluginError) -> Output {
        let columns = try columns()
        var winners: [JSON] = []
        for (position, column) in columns.enumerated() {
            let outcome = outcome(column, remaining: 0)
            if outcome.isTied, rule.ties == .error {
                throw PluginError(
                    .invalid, reason: "merge.tie",
                    "Item \(position) is a tie. Use an odd number of members, weights, or "
                        + "ties: first-member.")
            }
            winners.append(outcome.winner)
            agreements.append(outcome.agreement)
        }
        if lists { return ItemWriter.output(winners, as: format) }
        return Output(winners.first ?? .null)
    }

    var details: JSONObject? {
        guard !agreements.isEmpty else { return nil }
        let mean = agreements.reduce(0, +) / Double(agreements.count)
        var agreement = JSONObject([
            ("mean", .number(mean)), ("least", .number(agreements.min() ?? 0)),
        ])
        if lists, agreements.count <= Self.maximumAgreementItems {
            agreement["items"] = .array(agreements.map { .number($0) })
        }
        return JSONObject([("agreement", .object(agreement))])
    }

    /// The ballots of each item, in the order of the members.
    private func columns() throws(PluginError) -> [[Ballot]] {
        // A stable order: several ballots of one piece stay in their order.
        let ordered = ballots.enumerated()
            .sorted { ($0.element.index, $0.offset) < ($1.element.index, $1.offset) }
            .map(\.element)
        guard let first = ordered.first else { return [] }
        guard reading == .whole, let length = first.value.arrayValue?.count else {
            lists = false
            return [ordered]
        }
        lists = true
        var columns = Array(repeating: [Ballot](), count: length)
        for ballot in ordered {
            guard let items = ballot.value.arrayValue, items.count == length else {
                let found = ballot.value.arrayValue.map { "\($0.count) items" } ?? "no list"
                throw PluginError(
                    .invalid, reason: "merge.input",
                    "Votes are counted item by item: \(first.name) gave \(length) items, "
                        + "\(ballot.name) gave \(found). Every member must answer every item.")
            }
            for (position, item) in items.enumerated() {
                var vote = ballot
                vote.value = item
                columns[position].append(vote)
            }
        }
        return columns
    }

    private func outcome(_ ballots: [Ballot], remaining: Double) -> Outcome {
        var places: [JSON: Int] = [:]
        var tally: [(value: JSON, weight: Double)] = []
        var cast = 0.0
        for ballot in ballots {
            let place = places[ballot.value] ?? tally.count
            if place == tally.count {
                places[ballot.value] = place
                tally.append((ballot.value, 0))
            }
            tally[place].weight += ballot.weight
            cast += ballot.weight
        }
        let slack = 1e-9 * (cast + remaining)
        guard let most = tally.map(\.weight).max(), cast > 0 else {
            return Outcome(winner: .null, agreement: 0, isCertain: false, isTied: false)
        }
        let leaders = tally.filter { $0.weight >= most - slack }
        let winner =
            rule.ties == .lowest
            ? leaders.min { $0.value.precedes($1.value) } ?? leaders[0] : leaders[0]
        let second = tally.filter { $0.value != winner.value }.map(\.weight).max() ?? 0
        let leads = most > second + remaining + slack
        let threshold = rule.threshold ?? 0
        if most + slack >= threshold * cast {
            let stays = most + slack >= threshold * (cast + remaining)
            return Outcome(
                winner: winner.value, agreement: winner.weight / cast,
                isCertain: stays && leads, isTied: leaders.count > 1)
        }
        let unreachable = most + remaining < threshold * (cast + remaining) - slack
        return Outcome(winner: .null, agreement: 0, isCertain: unreachable, isTied: false)
    }
}
