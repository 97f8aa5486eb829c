/* fanfold_nvml.h - GPUs, where NVIDIA's management library is there. */
#ifndef FANFOLD_NVML_H
#define FANFOLD_NVML_H

#include <stdint.h>

/* NVIDIA's management library, opened where it is there.

   Source: NVML API Reference (nvml.h): the functions with their `_v2` names, which every driver
   since 2012 has. */
struct fan_nvml;

/* What the library says of a device. */
struct fan_nvml_device {
    char name[96];
    char uuid[96];
    uint64_t memory_bytes;
    uint64_t used_memory_bytes;
    /* Of the last sample period; 0 to 100. */
    uint32_t utilization_percent;
    /* Its place, as the library counts. */
    int32_t index;
};

enum {
    /* There is no such library: a machine without these devices. */
    FAN_NVML_NO_LIBRARY = -1,
    /* It lacks a function that is needed. */
    FAN_NVML_NO_FUNCTION = -2,
    FAN_NVML_NO_MEMORY = -3,
};

/* Opens and starts the library.

   `status` is 0, one of the negative numbers above, or what `nvmlInit_v2` answered. */
struct fan_nvml *_Nullable fan_nvml_open(const char *_Nonnull library, int32_t *_Nonnull status);

/* Reads what devices there are, at most `capacity`.

   Returns how many; a device that does not answer is left out.  `status` is 0, or what the first
   function answered that failed. */
int32_t fan_nvml_read(struct fan_nvml *_Nonnull nvml, struct fan_nvml_device *_Nonnull devices,
                      int32_t capacity, int32_t *_Nonnull status);

/* Where a device is. */
struct fan_nvml_place {
    /* Its address on the bus: DOMAIN:BUS:DEVICE.0. */
    uint32_t domain, bus, device;
    /* A bit for each device, as the library counts, that is linked to it directly. */
    uint64_t linked;
};

/* Reads where the device at `index` is.

   Returns whether the library tells the address; `linked` is 0 where it cannot tell that.  Source:
   nvmlDeviceGetPciInfo_v3, nvmlDeviceGetP2PStatus with NVML_P2P_CAPS_INDEX_NVLINK. */
int32_t fan_nvml_read_place(struct fan_nvml *_Nonnull nvml, int32_t index,
                            struct fan_nvml_place *_Nonnull place);

/* What a process has on a device. */
struct fan_nvml_use {
    int32_t process;
    /* The place of the device, as the library counts. */
    int32_t device;
    uint64_t memory_bytes;
};

/* Reads what processes that compute have on all devices, at most `capacity` entries.

   Returns how many; none where the library cannot tell, or tells ids of another pid namespace.
   Source: nvmlDeviceGetComputeRunningProcesses_v3, since driver 510. */
int32_t fan_nvml_read_uses(struct fan_nvml *_Nonnull nvml, struct fan_nvml_use *_Nonnull uses,
                           int32_t capacity);

void fan_nvml_close(struct fan_nvml *_Nullable nvml);

#endif
