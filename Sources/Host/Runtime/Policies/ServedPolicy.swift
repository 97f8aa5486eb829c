import FanfoldCore
import FanfoldPlugins
import Synchronization

/// A policy that is a plugin, on a thread of its own: nobody waits for it.
package final class ServedPolicy: Sendable {
    /// What became of a call.
    package enum Reply<Value: Sendable>: Sendable {
        /// The budget has passed, and it has not returned; it still may, which counts for nothing.
        case late
        /// It returned, or failed: what it said, or why not.
        case done(Result<Value, PolicyMiss>)
    }

    /// The component's id.
    package let name: String
    private let instance: any PolicyCalls
    private let budget: Duration
    private let lane: Lane
    private let asked: Asked

    /// Who is told that the call that is out is late.
    private final class Asked: Sendable {
        let tellLate = Mutex<(@Sendable () -> Void)?>(nil)
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
        lane = Lane(name: "policy") { _ in asked.tellLate.withLock { $0 }?() }
    }

    /// Asks for a score for each pair; at most one call is out at a time.
    ///
    /// - Parameter tell: told once that it is late, if it is, and once what became of it; not on the
    ///   thread of the caller.
    package func ask(
        _ question: PolicyQuestion, tell: @escaping @Sendable (Reply<[Double]>) -> Void
    ) {
        call(tell) { Self.answer(to: question, from: $0) }
    }

    /// Tells it how attempts ended; at most one call is out at a time.
    ///
    /// - Parameter tell: as of ``ask(_:tell:)``.
    package func observe(
        _ batch: PolicyOutcomes.Batch, tell: @escaping @Sendable (Reply<Void>) -> Void
    ) {
        call(tell) { instance in
            do throws(PluginFailure) {
                return .success(try instance.observe(outcomes: batch.json.bytes))
            } catch {
                return .failure(PolicyMiss(fault: Self.fault(error), message: error.message))
            }
        }
    }

    private func call<Value: Sendable>(
        _ tell: @escaping @Sendable (Reply<Value>) -> Void,
        _ body: @escaping @Sendable (any PolicyCalls) -> Result<Value, PolicyMiss>
    ) {
        asked.tellLate.withLock { $0 = { tell(.late) } }
        let isTaken = lane.post(deadline: budget) { [instance] in tell(.done(body(instance))) }
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
