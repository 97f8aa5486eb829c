import FanfoldCore
import FanfoldJSON
@preconcurrency import Glibc
import Synchronization
import Testing

@testable import FanfoldRuntime

@Suite struct DeviceEnvironmentTests {
    private let folder = TemporaryFolder()

    private func host(graphics: [String] = ["GPU-a", "GPU-b", "GPU-c"]) -> ExecutorHost {
        ExecutorHost(
            scratchDirectory: folder.path, helperPath: "/nonexistent", graphics: graphics)
    }

    private func item(_ more: [(String, JSON)] = []) throws -> WorkItem {
        let text =
            "echo \"$${CUDA_VISIBLE_DEVICES-unset} $${NVIDIA_VISIBLE_DEVICES-unset}\""
        let command: JSON = ["sh", "-c", .string(text)]
        let run: JSON = .object(JSONObject([("command", command)] + more))
        return WorkItem(
            run: try RunSpec(json: run), parts: [], taskName: "t", subtask: 0, attempt: 1,
            pipelineDirectory: "/")
    }

    private func text(_ result: WorkResult) throws -> String {
        switch result.outcome {
        case .success(let payload, _, _): return payload.whole.text
        case .failure(let failure): throw failure
        }
    }

    private func seen(
        _ devices: [Int], by host: ExecutorHost, _ more: [(String, JSON)] = []
    ) throws -> String {
        var item = try item(more)
        item.devices = devices
        return try text(host.run(item, cancellation: Cancellation()))
    }

    @Test func `a program sees the GPUs that are reserved for it and no others`() throws {
        #expect(try seen([2, 0], by: host()) == "GPU-c,GPU-a GPU-c,GPU-a\n")
        #expect(try seen([], by: host()) == " void\n")
        #expect(try seen([7], by: host()) == " void\n")
    }

    @Test func `nothing is set where no GPU is offered; the command's own wins`() throws {
        #expect(try seen([0], by: host(graphics: [])) == "unset unset\n")
        let own: [(String, JSON)] = [("env", ["CUDA_VISIBLE_DEVICES": "0"])]
        #expect(try seen([1], by: host(), own) == "0 GPU-b\n")
    }

    /// A library that says that each child of this process has 7,777 bytes of the second GPU.
    private static let library = """
        #include <stdio.h>
        #include <dirent.h>
        struct memory { unsigned long long total, free, used; };
        struct utilization { unsigned gpu, memory; };
        struct process { unsigned pid; unsigned long long memory; unsigned gi, ci; };
        int nvmlInit_v2(void) { return 0; }
        int nvmlShutdown(void) { return 0; }
        int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
        int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device) {
            *device = (void *)(long)(index + 1);
            return 0;
        }
        int nvmlDeviceGetName(void *device, char *text, unsigned length) { return 0; }
        int nvmlDeviceGetUUID(void *device, char *text, unsigned length) { return 0; }
        int nvmlDeviceGetMemoryInfo(void *device, struct memory *memory) { return 0; }
        int nvmlDeviceGetUtilizationRates(void *device, struct utilization *u) { return 0; }
        int nvmlDeviceGetComputeRunningProcesses_v3(
            void *device, unsigned *count, struct process *list) {
            unsigned most = *count;
            *count = 0;
            if ((long)device != 2) return 0;
            DIR *folder = opendir("/proc/self/task");
            for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
                char path[300];
                snprintf(path, sizeof path, "/proc/self/task/%s/children", entry->d_name);
                FILE *file = fopen(path, "r");
                unsigned pid;
                while (file != NULL && *count < most && fscanf(file, "%u", &pid) == 1)
                    list[(*count)++] = (struct process){pid, 7777, 0, 0};
                if (file != NULL) fclose(file);
            }
            closedir(folder);
            return 0;
        }
        """

    @Test(.enabled(if: access("/usr/bin/cc", X_OK) == 0, "cc is missing: NO GPU CODE WAS RUN"))
    func `what an attempt has of a GPU is measured while it runs`() throws {
        try folder.write("nvml.c", Self.library)
        let path = folder.path + "/libfake-nvml.so"
        #expect(
            system("/usr/bin/cc -shared -fPIC -o '\(path)' '\(folder.path)/nvml.c'") == 0)
        let host = ExecutorHost(
            scratchDirectory: folder.path, helperPath: "/nonexistent",
            graphics: ["GPU-a", "GPU-b"],
            graphicsMemory: GraphicsMemory(library: path))
        var item = WorkItem(
            run: try RunSpec(json: ["command": ["sleep", "0.4"]]), parts: [], taskName: "t",
            subtask: 0, attempt: 1, pipelineDirectory: "/")
        #expect(host.run(item, cancellation: Cancellation()).peakDeviceMemoryBytes == 0)
        item.devices = [1]
        #expect(host.run(item, cancellation: Cancellation()).peakDeviceMemoryBytes == 7777)
    }

    @Test func `what runs later in a slot sees the same GPUs`() throws {
        let ended = Mailbox<EndedAttempt>()
        let worker = LocalWorker(id: WorkerID(0), name: "w", executor: host()) { _, notice in
            guard case .ended(let all) = notice else { return }
            for each in all { ended.post(each) }
        }
        func order(
            _ index: UInt32, _ order: AssignmentOrder, _ devices: [Int] = []
        ) throws -> WorkOrder {
            let attempt = AttemptID(subtask: SubtaskID(task: TaskID(0), index: index), epoch: 1)
            return WorkOrder(
                assignment: Assignment(
                    attempt: attempt, shape: ShapeID(0), order: order, devices: devices),
                work: .run(try item()))
        }
        let first = SlotID(index: 0, generation: 0)
        let second = SlotID(index: 1, generation: 0)
        worker.accept([
            try order(1, .queue), try order(2, .queue), try order(2, .promote(second), [2]),
            try order(0, .start(first), [1]),
        ])
        var all: [EndedAttempt] = []
        let limit = monotonicNanoseconds() + 60_000_000_000
        while all.count < 3, monotonicNanoseconds() < limit { all += ended.takeAll(until: limit) }
        worker.stop(reason: "the test is over")
        for end in all {
            let wanted = end.slot == first ? "GPU-b GPU-b\n" : "GPU-c GPU-c\n"
            #expect(try text(end.result) == wanted)
        }
        #expect(all.count == 3)
    }
}
