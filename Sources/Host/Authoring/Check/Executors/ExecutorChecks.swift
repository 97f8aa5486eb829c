import CPluginABI
import FanfoldJSON
@preconcurrency import Glibc

/// Checks of executors: what is loaded runs, gives the right bytes, and goes.
enum ExecutorChecks {
    static let all: [CheckCase] = [
        CheckCase(
            name: "load-run-unload", subject: .instance,
            summary:
                "Modules are loaded, run and unloaded again, each by itself; what is gone is refused.",
            consequence: "A worker would run out of memory, or run a module that is gone.",
            body: life),
        CheckCase(
            name: "run-cancel-mid", subject: .instance,
            summary:
                "A run that is cancelled at any moment ends, and the next one is as good as ever.",
            consequence: "A worker would stay busy with what nobody wants, or be of no use "
                + "afterwards.", timeout: 60, body: cancelMid),
        CheckCase(
            name: "run-parallel", subject: .instance,
            summary: "Runs that overlap on eight threads give the right outputs.",
            consequence: "Runs that overlap would mix up their results.", timeout: 60,
            body: parallel),
        CheckCase(
            name: "run-crashing-kernel", subject: .instance,
            summary: "Wrong inputs and specs are refused, and the next run is as good as ever.",
            consequence: "One wrong subtask would end the worker and all that runs on it.",
            body: crashing),
        CheckCase(
            name: "outputs-match-reference", subject: .instance,
            summary: "The example run of the schema gives the outputs that the schema shows.",
            consequence: "Results would be wrong.", body: reference),
        CheckCase(
            name: "device-memory-returns", level: .should, subject: .instance,
            summary: "What a module uses of a device is free again once it is unloaded.",
            consequence: "A GPU would be full after a while, and every run fail.",
            body: DeviceMemory.check),
    ]

    private static func life(_ context: CheckContext) throws -> CheckOutcome {
        try ExecutorRig.each(context) { component, configuration, example in
            let rig = try ExecutorRig(component, configuration)
            for round in 0..<3 {
                for module: UInt64 in [7, 9] { try rig.load(module, example) }
                for module: UInt64 in [7, 9, 7] {
                    let answer = try rig.run(module, RunRequest(example))
                    guard answer.isSuccess else {
                        throw CheckStop.failed(
                            "round \(round): the example run fails: \(answer.brief)")
                    }
                }
                rig.unload(7)
                try refuses(rig, 7, example, "was unloaded")
                guard try rig.run(9, RunRequest(example)).isSuccess else {
                    throw CheckStop.failed("unloading one module ends another")
                }
                rig.unload(9)
            }
            rig.unload(7)
            rig.unload(12_345)
            try refuses(rig, 12_345, example, "was never loaded")
            rig.calls.destroy()
        }
    }

    private static func refuses(
        _ rig: ExecutorRig, _ module: UInt64, _ example: ExampleRun, _ why: String
    ) throws {
        let answer = try rig.run(module, RunRequest(example))
        guard !answer.isSuccess else {
            throw CheckStop.failed("a run of a module that \(why) succeeds")
        }
        guard !answer.message.isEmpty else {
            throw CheckStop.failed("a run of a module that \(why) fails without a message")
        }
    }

    private static func cancelMid(_ context: CheckContext) throws -> CheckOutcome {
        try ExecutorRig.each(context) { component, configuration, example in
            let rig = try ExecutorRig(component, configuration)
            try rig.load(1, example)
            let before = rig.calls.host.stepCount
            let good = try outputs(rig.run(1, RunRequest(example)), "the example run")
            let steps = min(rig.calls.host.stepCount - before, maximumPlaces)
            rig.calls.beginsCancelled = true
            try ends(rig, rig.beginRun(1, RunRequest(example)))
            rig.calls.beginsCancelled = false
            for step in 0..<steps {
                rig.calls.cancel(atStep: rig.calls.host.stepCount + step + 1)
                try ends(rig, rig.beginRun(1, RunRequest(example)))
            }
            rig.calls.host.onStep = nil
            // Where it works on a thread of its own, it is anywhere by now.
            for place in 0..<maximumPlaces {
                let record = rig.beginRun(1, RunRequest(example))
                if place > 0 { usleep(UInt32(place) * 50) }
                rig.calls.cancel(record)
                try ends(rig, record)
            }
            try same(try rig.run(1, RunRequest(example)), good, "after cancelled runs, a run")
        }
    }

    /// Places of one kind at which a run is cancelled, at most.
    private static let maximumPlaces = 20

    private static func ends(_ rig: ExecutorRig, _ record: CallRecord) throws {
        let answer = try rig.calls.answer(record)
        guard
            answer.time - min(answer.time, record.cancelledAt ?? answer.time)
                <= CallDriver.promptness
        else { throw CheckStop.failed("a cancelled run ends after more than a second") }
        guard answer.isSuccess || answer.code == fan_code(FAN_CANCELLED) else {
            throw CheckStop.failed(
                "a cancelled run: wanted FAN_CANCELLED, found \(answer.brief)")
        }
    }

    private static func parallel(_ context: CheckContext) throws -> CheckOutcome {
        let threads = 8
        let rounds = 25
        return try ExecutorRig.each(context) { component, configuration, example in
            guard component.pointer.pointee.flags & UInt32(FAN_CONCURRENT) != 0 else {
                throw CheckStop.skipped(
                    "\(component.descriptor.id) does not say FAN_CONCURRENT: its calls never "
                        + "overlap")
            }
            let rig = try ExecutorRig(component, configuration)
            try rig.load(1, example)
            let good = try outputs(rig.run(1, RunRequest(example)), "the example run")
            let requests = (0..<threads).map { RunRequest(example, number: UInt64($0) + 1) }
            let workers = requests.map { request in
                CheckThread { (0..<rounds).map { _ in rig.beginRun(1, request) } }
            }
            let records = workers.map { $0.join() }
            for list in records {
                for record in list {
                    try same(
                        try rig.calls.answer(record), good, "a run beside \(threads - 1) others")
                }
            }
            if let fault = rig.calls.host.faults.first { throw CheckStop.failed(fault) }
        }
    }

    /// What no strategy would send: it must be answered, and the next run be as good as ever.
    private static func crashing(_ context: CheckContext) throws -> CheckOutcome {
        var count = 0
        let outcome = try ExecutorRig.each(context) { component, configuration, example in
            let rig = try ExecutorRig(component, configuration)
            try rig.load(1, example)
            let good = try outputs(rig.run(1, RunRequest(example)), "the example run")
            for (name, request) in broken(example) {
                CheckTrace.phase("in a run of \(name)")
                let answer = try rig.calls.answer(rig.beginRun(1, request))
                guard answer.isSuccess || !answer.message.isEmpty else {
                    throw CheckStop.failed("a run of \(name) fails without a message")
                }
                try same(
                    try rig.run(1, RunRequest(example)), good, "after \(name), a good run")
                count += 1
            }
        }
        return outcome.status == .passed ? .passed("\(count) wrong subtasks") : outcome
    }

    private static func broken(_ example: ExampleRun) -> [(String, RunRequest)] {
        let good = RunRequest(example)
        func changed(_ change: (inout RunRequest) -> Void) -> RunRequest {
            var request = good
            change(&request)
            return request
        }
        return [
            ("no inputs", changed { $0.inputs = [] }),
            ("empty inputs", changed { $0.inputs = $0.inputs.map { _ in [] } }),
            ("more inputs than it takes", changed { $0.inputs += [[1], [2], [3]] }),
            (
                "inputs of random bytes",
                changed { $0.inputs = $0.inputs.map { _ in (0..<999).map { UInt8($0 * 7 & 255) } } }
            ),
            ("inputs of an unknown kind", changed { $0.kind = 4_711 }),
            ("a spec that is no JSON", changed { $0.spec = Array("{\"a\":".utf8) }),
            ("an empty spec", changed { $0.spec = [] }),
            ("a spec of another world", changed { $0.spec = Array("[null,1e999]".utf8) }),
            (
                "one large input",
                changed {
                    $0.inputs = [[UInt8](repeating: 65, count: 8 << 20)] + $0.inputs.dropFirst()
                }
            ),
        ]
    }

    private static func reference(_ context: CheckContext) throws -> CheckOutcome {
        try ExecutorRig.each(context) { component, configuration, example in
            let rig = try ExecutorRig(component, configuration)
            try rig.load(1, example)
            for _ in 0..<3 {
                try same(
                    try rig.run(1, RunRequest(example)), example.outputs, "the example run")
            }
        }
    }

    private static func outputs(_ answer: CallAnswer, _ run: String) throws -> [[UInt8]] {
        guard answer.isSuccess else { throw CheckStop.failed("\(run) fails: \(answer.brief)") }
        return answer.parts.map(\.bytes)
    }

    private static func same(_ answer: CallAnswer, _ wanted: [[UInt8]], _ run: String) throws {
        let found = try outputs(answer, run)
        guard found.count == wanted.count else {
            throw CheckStop.failed("\(run) gives \(found.count) outputs, wanted \(wanted.count)")
        }
        for (index, (found, wanted)) in zip(found, wanted).enumerated() where found != wanted {
            let place =
                zip(found, wanted).enumerated().first { $1.0 != $1.1 }?.offset
                ?? min(found.count, wanted.count)
            throw CheckStop.failed(
                "output \(index) of \(run) has \(found.count) bytes, wanted \(wanted.count); "
                    + "the first difference is at byte \(place)")
        }
    }
}
