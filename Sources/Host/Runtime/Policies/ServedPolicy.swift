import FanfoldCore
import FanfoldPlugins
import Synchronization

/// A policy that is a plugin, on a thread of its own: nobody waits for it.
package final class ServedPolicy: Sendable {
    /// What became of a question.
    package enum Outcome: Sendable {
        /// The budget has passed, and it has not answered; it still may, which counts for nothing.
        case late
        /// It answered, or failed: a score for each pair, or why not.
        case done(Result<[Double], PolicyMiss>)
    }

    /// The component's id.
    package let name: String
    private let instance: any PolicyCalls
    private let budget: Duration
    private let lane: Lane
    private let asked: Asked

    /// Who is told of the question that is out.
    private final class Asked: Sendable {
        let tell = Mutex<(@Sendable (Outcome) -> Void)?>(nil)
    }

    /// Takes an instance over.
    ///
    /// - Parameter budgetNanoseconds: how long an answer may take.
    package init(name: String, instance: any PolicyCalls, budgetNanoseconds: UInt64) {
        self.name = name
        self.instance = instance
        budget = .nanoseconds(budgetNanoseconds)
        let asked = Asked()
        self.asked = asked
        lane = Lane(name: "policy") { _ in asked.tell.withLock { $0 }?(.late) }
    }

    /// Asks; at most one question is out at a time.
    ///
    /// - Parameter tell: told once that it is late, if it is, and once what became of it; not on the
    ///   thread of the caller.
    package func ask(
        _ question: PolicyQuestion, tell: @escaping @Sendable (Outcome) -> Void
    ) {
        asked.tell.withLock { $0 = tell }
        let isTaken = lane.post(deadline: budget) { [instance] in
            tell(.done(Self.answer(to: question, from: instance)))
        }
        precondition(isTaken, "a policy that is asked has not been closed")
    }

    /// Ends the instance; one that hangs is left alone.
    package func close() {
        guard !lane.isHung else { return lane.abandon() }
        _ = lane.post { [instance] in instance.destroy() }
        _ = lane.close()
    }

    private static func answer(
        to question: PolicyQuestion, from instance: any PolicyCalls
    ) -> Result<[Double], PolicyMiss> {
        let bytes: [UInt8]
        do throws(PluginFailure) {
            bytes = try instance.place(snapshot: PolicySnapshot.json(question).bytes)
        } catch {
            return .failure(PolicyMiss(fault: Self.fault(error), message: error.message))
        }
        do throws(PolicyMiss) {
            return .success(try PolicySnapshot.scores(bytes, of: question))
        } catch {
            return .failure(error)
        }
    }

    private static func fault(_ failure: PluginFailure) -> PolicyFault {
        switch failure.reason {
        case "plugin.hung": .late
        case "plugin.crashed", "plugin.launch", "plugin.protocol": .crashed
        default: .refused
        }
    }
}
