#define _GNU_SOURCE
#include "fanfold_nvml.h"
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef int (*simple_function)(void);
typedef int (*count_function)(unsigned *);
typedef int (*handle_function)(unsigned, void **);
typedef int (*text_function)(void *, char *, unsigned);

struct nvml_memory {
    unsigned long long total, free, used;
};
typedef int (*memory_function)(void *, struct nvml_memory *);

struct nvml_utilization {
    unsigned gpu, memory;
};
typedef int (*utilization_function)(void *, struct nvml_utilization *);

struct nvml_process {
    unsigned pid;
    unsigned long long memory;
    unsigned gpu_instance, compute_instance;
};
typedef int (*processes_function)(void *, unsigned *, struct nvml_process *);

struct nvml_pci {
    char legacy_id[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char id[32];
};
typedef int (*pci_function)(void *, struct nvml_pci *);
typedef int (*link_function)(void *, void *, int, int *);

/* NVML_P2P_CAPS_INDEX_NVLINK, and NVML_P2P_STATUS_OK. */
enum { links_of_nvlink = 2, link_is_good = 0 };

/* What the library says where it cannot tell. */
static const unsigned long long not_available = ~0ull;

/* Processes on one device that are read, at most. */
enum { most_processes = 1024 };

struct fan_nvml {
    void *library;
    simple_function shutdown;
    count_function count;
    handle_function handle;
    text_function name;
    text_function uuid;
    memory_function memory;
    utilization_function utilization;
    /* NULL where the driver is older. */
    processes_function processes;
    pci_function pci;
    link_function link;
};

static int find(void *library, const char *name, void *place) {
    void *symbol = dlsym(library, name);
    memcpy(place, &symbol, sizeof symbol);
    return symbol != NULL;
}

struct fan_nvml *fan_nvml_open(const char *path, int32_t *status) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        *status = FAN_NVML_NO_LIBRARY;
        return NULL;
    }
    struct fan_nvml *nvml = calloc(1, sizeof *nvml);
    simple_function start = NULL;
    *status = nvml == NULL ? FAN_NVML_NO_MEMORY : 0;
    if (nvml != NULL
        && !(find(library, "nvmlInit_v2", &start)
             && find(library, "nvmlShutdown", &nvml->shutdown)
             && find(library, "nvmlDeviceGetCount_v2", &nvml->count)
             && find(library, "nvmlDeviceGetHandleByIndex_v2", &nvml->handle)
             && find(library, "nvmlDeviceGetName", &nvml->name)
             && find(library, "nvmlDeviceGetUUID", &nvml->uuid)
             && find(library, "nvmlDeviceGetMemoryInfo", &nvml->memory)
             && find(library, "nvmlDeviceGetUtilizationRates", &nvml->utilization)))
        *status = FAN_NVML_NO_FUNCTION;
    if (*status == 0) *status = start();
    if (*status != 0) {
        free(nvml);
        dlclose(library);
        return NULL;
    }
    nvml->library = library;
    find(library, "nvmlDeviceGetComputeRunningProcesses_v3", &nvml->processes);
    find(library, "nvmlDeviceGetPciInfo_v3", &nvml->pci);
    find(library, "nvmlDeviceGetP2PStatus", &nvml->link);
    return nvml;
}

static int read_device(struct fan_nvml *nvml, unsigned index, struct fan_nvml_device *device) {
    void *handle = NULL;
    struct nvml_memory memory = {0};
    struct nvml_utilization utilization = {0};
    int code = nvml->handle(index, &handle);
    if (code == 0) code = nvml->name(handle, device->name, sizeof device->name);
    if (code == 0) code = nvml->uuid(handle, device->uuid, sizeof device->uuid);
    if (code == 0) code = nvml->memory(handle, &memory);
    if (code != 0) return code;
    device->name[sizeof device->name - 1] = 0;
    device->uuid[sizeof device->uuid - 1] = 0;
    device->memory_bytes = memory.total;
    device->used_memory_bytes = memory.used;
    // Some devices do not measure it: they are there all the same.
    code = nvml->utilization(handle, &utilization);
    device->utilization_percent = code == 0 ? utilization.gpu : 0;
    return 0;
}

int32_t fan_nvml_read(struct fan_nvml *nvml, struct fan_nvml_device *devices, int32_t capacity,
                      int32_t *status) {
    unsigned count = 0;
    *status = nvml->count(&count);
    if (*status != 0) return 0;
    int32_t found = 0;
    for (unsigned index = 0; index < count && found < capacity; index++) {
        memset(&devices[found], 0, sizeof devices[found]);
        int code = read_device(nvml, index, &devices[found]);
        devices[found].index = (int32_t)index;
        if (code == 0)
            found++;
        else if (*status == 0)
            *status = code;
    }
    return found;
}

int32_t fan_nvml_read_place(struct fan_nvml *nvml, int32_t index, struct fan_nvml_place *place) {
    void *handle = NULL;
    unsigned count = 0;
    struct nvml_pci pci = {0};
    *place = (struct fan_nvml_place){0};
    if (nvml->pci == NULL || nvml->count(&count) != 0 || nvml->handle((unsigned)index, &handle) != 0
        || nvml->pci(handle, &pci) != 0)
        return 0;
    *place = (struct fan_nvml_place){.domain = pci.domain, .bus = pci.bus, .device = pci.device};
    if (nvml->link == NULL) return 1;
    for (unsigned other = 0; other < count && other < 64; other++) {
        void *peer = NULL;
        int status = -1;
        if (other == (unsigned)index || nvml->handle(other, &peer) != 0) continue;
        if (nvml->link(handle, peer, links_of_nvlink, &status) == 0 && status == link_is_good)
            place->linked |= 1ull << other;
    }
    return 1;
}

int32_t fan_nvml_read_uses(struct fan_nvml *nvml, struct fan_nvml_use *uses, int32_t capacity) {
    unsigned devices = 0;
    if (nvml->processes == NULL || nvml->count(&devices) != 0) return 0;
    struct nvml_process *read = calloc(most_processes, sizeof *read);
    if (read == NULL) return 0;
    int32_t found = 0;
    for (unsigned index = 0; index < devices; index++) {
        void *handle = NULL;
        unsigned count = most_processes;
        if (nvml->handle(index, &handle) != 0 || nvml->processes(handle, &count, read) != 0)
            continue;
        for (unsigned place = 0; place < count && found < capacity; place++) {
            if (read[place].memory == not_available) continue;
            uses[found++] = (struct fan_nvml_use){
                .process = (int32_t)read[place].pid,
                .device = (int32_t)index,
                .memory_bytes = read[place].memory,
            };
        }
    }
    free(read);
    return found;
}

void fan_nvml_close(struct fan_nvml *nvml) {
    if (nvml == NULL) return;
    nvml->shutdown();
    dlclose(nvml->library);
    free(nvml);
}
