import FanfoldCore
import FanfoldRuntime

extension ScalingDecision {
    /// What was decided and why, for people.
    package var sentence: String { "\(what): \(why)" }

    /// What is to be done.
    package var what: String {
        switch action {
        case .launch(_, let offering, let count):
            "launch \(count) \(count == 1 ? "worker" : "workers") of \(offering)"
        case .drain(let name): "drain \(name)"
        case .cancelDrain(let name): "give \(name) work again"
        case .terminate(let name): "end \(name)"
        case .adopt(let name): "count \(name) as ours"
        case .recommend(let count): "\(count) more \(count == 1 ? "worker" : "workers") would help"
        case .keep: "nothing"
        }
    }

    /// Why.
    package var why: String {
        switch reason {
        case .belowMinimum: "there are fewer than min"
        case .unmetDemand(let slots): "\(slots) \(slots == 1 ? "slot" : "slots") found no room"
        case .expectedDemand(let slots, let run, let task):
            "task \(task) of run \(run.rawValue) is expected to begin before a worker has booted, and "
                + "\(slots) \(slots == 1 ? "slot" : "slots") of it would find no room"
        case .utilisation(let value): "\(Self.percent(value)) of the pool would be busy"
        case .forecast(let workers): "\(workers) workers are forecast to be needed"
        case .lowUtilisation(let value):
            "only \(Self.percent(value)) of the pool was busy over the window"
        case .aboveMaximum: "there are more than max, or than the budget allows"
        case .demandReturned: "there is work for it again"
        case .drained: "nothing runs on it any more"
        case .interrupted: "its provider takes it back"
        case .found: "it has our tag and nobody counted it"
        case .orphan: "it has our tag and belongs to no pool"
        case .answerMissing: "the launch has no answer yet; the same is asked again"
        case .endMissing: "it was told to end and is still there"
        case .budget: "the total budget is used up"
        case .cooldown(let until):
            "the pool has just grown; not before \(WallClock.text(until.nanoseconds))"
        case .noOffering: "nothing that is offered would do"
        case .neverReady: "its provider lists it and it takes no work"
        case .otherCurrency(let found, let wanted):
            "its prices are in \(found.isEmpty ? "no currency" : found), and the budget is in "
                + "\(wanted): "
                + (isEnd ? "nobody counts what it costs, and it is idle" : "it is left alone")
        case .deadline(let outlook): outlook.sentence
        case .probe(let outlook): "whether spot is there again: " + outlook.sentence
        }
    }

    private var isEnd: Bool { if case .terminate = action { true } else { false } }

    /// The action as programs read it.
    package var actionName: String {
        switch action {
        case .launch: "launch"
        case .drain: "drain"
        case .cancelDrain: "cancel-drain"
        case .terminate: "terminate"
        case .adopt: "adopt"
        case .recommend: "recommend"
        case .keep: "keep"
        }
    }

    private static func percent(_ share: Double) -> String {
        "\(Int((share * 100).rounded())) %"
    }
}
