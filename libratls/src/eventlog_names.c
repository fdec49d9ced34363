/* Names of the types of events, for reports. */
#include "eventlog.h"

#define EVENT(name)                                                                                \
    {                                                                                              \
        RATLS_##name, #name                                                                        \
    }

static const struct {
    uint32_t type;
    const char *name;
} TYPES[] = {
    EVENT(EV_PREBOOT_CERT),
    EVENT(EV_POST_CODE),
    EVENT(EV_UNUSED),
    EVENT(EV_NO_ACTION),
    EVENT(EV_SEPARATOR),
    EVENT(EV_ACTION),
    EVENT(EV_EVENT_TAG),
    EVENT(EV_S_CRTM_CONTENTS),
    EVENT(EV_S_CRTM_VERSION),
    EVENT(EV_CPU_MICROCODE),
    EVENT(EV_PLATFORM_CONFIG_FLAGS),
    EVENT(EV_TABLE_OF_DEVICES),
    EVENT(EV_COMPACT_HASH),
    EVENT(EV_IPL),
    EVENT(EV_IPL_PARTITION_DATA),
    EVENT(EV_NONHOST_CODE),
    EVENT(EV_NONHOST_CONFIG),
    EVENT(EV_NONHOST_INFO),
    EVENT(EV_OMIT_BOOT_DEVICE_EVENTS),
    EVENT(EV_POST_CODE2),
    EVENT(EV_EFI_VARIABLE_DRIVER_CONFIG),
    EVENT(EV_EFI_VARIABLE_BOOT),
    EVENT(EV_EFI_BOOT_SERVICES_APPLICATION),
    EVENT(EV_EFI_BOOT_SERVICES_DRIVER),
    EVENT(EV_EFI_RUNTIME_SERVICES_DRIVER),
    EVENT(EV_EFI_GPT_EVENT),
    EVENT(EV_EFI_ACTION),
    EVENT(EV_EFI_PLATFORM_FIRMWARE_BLOB),
    EVENT(EV_EFI_HANDOFF_TABLES),
    EVENT(EV_EFI_PLATFORM_FIRMWARE_BLOB2),
    EVENT(EV_EFI_HANDOFF_TABLES2),
    EVENT(EV_EFI_VARIABLE_BOOT2),
    EVENT(EV_EFI_GPT_EVENT2),
    EVENT(EV_EFI_HCRTM_EVENT),
    EVENT(EV_EFI_VARIABLE_AUTHORITY),
    EVENT(EV_EFI_SPDM_FIRMWARE_BLOB),
    EVENT(EV_EFI_SPDM_FIRMWARE_CONFIG),
    EVENT(EV_EFI_SPDM_DEVICE_POLICY),
    EVENT(EV_EFI_SPDM_DEVICE_AUTHORITY),
};

const char *ratls_event_type_name(uint32_t type)
{
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (TYPES[i].type == type)
            return TYPES[i].name;
    return NULL;
}
