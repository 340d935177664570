"""What machines are made from. 2012 R2 generation."""

from __future__ import annotations

from fabric.spf.edm.build import declare

SETS = (
    declare(
        "VMTemplates",
        "VMTemplate",
        key="ID StampId",
        Guid=(
            "ApplicationProfileId CloudID CPUTypeId ID SQLProfileId StampId VirtualFloppyDriveId "
            "VirtualHardDiskId VMId VMTemplateId"
        ),
        String=(
            "Accessibility Admin CapabilityProfile ComputerName CostCenter CPUType "
            "Description DomainAdmin DomainJoinOrganizationalUnit FullName JoinDomain "
            "JoinWorkgroup LibraryGroup Location Name OperatingSystem OrgName OSType "
            "SharePath Status Tag VirtualizationPlatform VMAddition"
        ),
        Boolean=(
            "AdminPasswordHasValue DomainAdminPasswordHasValue "
            "DomainAdminPasswordIsServiceSetting DynamicMemoryEnabled Enabled "
            "HasVMAdditions IsCustomizable IsHighlyAvailable IsTagEmpty IsTemporaryTemplate "
            "LimitCPUForMigration LimitCPUFunctionality MergeAnswerFile NumLockEnabled "
            "ProductKeyHasValue SANCopyCapable ShareSCSIBus UndoDisksEnabled "
            "UseHardwareAssistedVirtualization"
        ),
        Byte="CPUCount",
        Int16="DynamicMemoryBufferPercentage DynamicMemoryPreferredBufferPercentage MemoryWeight",
        Int32=(
            "AutoLogonCount CPUCountMaximum CPUCountMinimum CPUMax CPUReserve DiskIO "
            "DynamicMemoryMaximumMB ExpectedCPUUtilization Generation Memory MemoryMBMaximum "
            "MemoryMBMinimum NetworkUtilization NicCount QuotaPoint RelativeWeight TimeZone"
        ),
        Int64="TotalVHDCapacity",
        DateTime="AccessedTime AddedTime CreationTime ModifiedTime",
        complex="OperatingSystemInstance:OperatingSystem Owner:UserAndRole",
        lists=(
            "BootOrder:String CustomProperties:String GrantedToList:UserAndRole "
            "GuiRunOnceCommands:String SANStatus:String ServerFeatures:String"
        ),
        navs=(
            "VirtualDiskDrives>>VirtualDiskDrives VirtualDVDDrives>>VirtualDVDDrives "
            "VirtualHardDisks>>VirtualHardDisks "
            "VirtualNetworkAdapters>>VirtualNetworkAdapters "
            "VirtualSCSIAdapters>>VirtualSCSIAdapters"
        ),
    ),
    declare(
        "HardwareProfiles",
        "HardwareProfile",
        key="ID StampId",
        Guid="CPUTypeId ID StampId",
        String="Accessibility Description Name",
        Boolean=(
            "DynamicMemoryEnabled Enabled LimitCPUForMigration LimitCPUFunctionality "
            "NumLockEnabled ShareSCSIBus UndoDisksEnabled"
        ),
        Byte="CPUCount",
        Int32=(
            "CPUMax CPUReserve DiskIO DynamicMemoryMaximumMB DynamicMemoryMinimumMB "
            "ExpectedCPUUtilization Generation Memory NetworkUtilization RelativeWeight"
        ),
        Int64="TotalVHDCapacity",
        DateTime="AccessedTime AddedTime CreationTime ModifiedTime",
        complex="Owner:UserAndRole",
        lists="GrantedToList:UserAndRole",
        navs=(
            "VirtualDVDDrives>>VirtualDVDDrives "
            "VirtualNetworkAdapters>>VirtualNetworkAdapters "
            "VirtualSCSIAdapters>>VirtualSCSIAdapters"
        ),
    ),
    declare(
        "VirtualHardDisks",
        "VirtualHardDisk",
        key="ID StampId",
        Guid=(
            "CloudId HostVolumeId ID JobGroupId LibraryShareId OperatingSystemId "
            "ParentDiskId StampId TemplateId VMId"
        ),
        String=(
            "Accessibility Description Directory FamilyName LibraryGroup Location Name "
            "Namespace OperatingSystem OwnerSid Release SharePath State Type VHDType "
            "VirtualizationPlatform"
        ),
        Boolean="Enabled IsOrphaned IsResourceGroup SANCopyCapable",
        Int64="MaximumSize Size",
        DateTime="AddedTime ModifiedTime ReleaseTime",
        complex="OperatingSystemInstance:OperatingSystem Owner:UserAndRole",
        lists="Tag:String",
    ),
    declare(
        "ISOs",
        "ISO",
        key="ID StampId",
        Guid="CloudId HostVolumeId ID LibraryShareId StampId",
        String=(
            "Accessibility Description Directory FamilyName LibraryGroup Name Namespace "
            "OwnerSid Release SharePath State"
        ),
        Boolean="Enabled IsOrphaned",
        Int64="Size",
        DateTime="AddedTime ModifiedTime",
        complex="Owner:UserAndRole",
        navs="LibraryShare>LibraryShares",
    ),
    declare(
        "LibraryShares",
        "LibraryShare",
        key="ID StampId",
        Guid="ID StampId",
        String="Description Name Path",
    ),
)
