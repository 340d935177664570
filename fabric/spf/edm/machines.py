"""Virtual machines and what hangs on them. 2012 R2 generation."""

from __future__ import annotations

from fabric.spf.edm.build import declare

SETS = (
    declare(
        "VirtualMachines",
        "VirtualMachine",
        key="ID StampId",
        Guid=(
            "CloudId ComputerTierId CurrentCheckpointId FailedJobID HardwareProfileId ID "
            "LastRestoredCheckpointId MostRecentTaskId ServiceId SourceCheckpointId SourceVMId "
            "StampId VirtualHardDiskId "
            "VMBaseConfigurationId VMId VMTemplateId"
        ),
        String=(
            "AllocatedGPU CapabilityProfile CheckpointLocation CloudVMRoleName ComputerName "
            "CostCenter CPUType CreationSource DeployPath Description Domain FullName "
            "LibraryGroup LinuxAdministratorSSHKey LinuxAdministratorSSHKeyString "
            "LinuxDomainName LocalAdminPassword LocalAdminRunAsAccountName "
            "LocalAdminUserName Location MachineObjectOU Name OperatingSystem Operation "
            "OrganizationName Password Path ProductKey RunAsAccountUserName RunGuestAccount "
            "ServiceDeploymentErrorMessage SharePath SourceObjectType StartAction Status "
            "StatusString StopAction Tag UserData UserName VirtualizationPlatform "
            "VirtualMachineState VMConfigResource VMCPath VMHostName VMResource "
            "VMResourceGroup WorkGroup"
        ),
        Boolean=(
            "Agent BackupEnabled BlockDynamicOptimization BlockLiveMigrationIfHostBusy "
            "CanVMConnect CPULimitForMigration CPULimitFunctionality DataExchangeEnabled "
            "Dismiss DynamicMemoryEnabled Enabled ExcludeFromPRO HasPassthroughDisk "
            "HasSavedState HasVMAdditions HeartbeatEnabled HighlyAvailable IsFaultTolerant "
            "IsHighlyAvailable IsRecoveryVM IsUndergoingLiveMigration LimitCPUForMigration "
            "LimitCPUFunctionality MarkedAsTemplate NumLock OperatingSystemShutdownEnabled "
            "Retry StartVM TimeSynchronizationEnabled Undo UndoDisksEnabled UseCluster "
            "UseLAN"
        ),
        Byte="CPUCount",
        Int16="MemoryAvailablePercentage",
        Int32=(
            "CPUMax CPURelativeWeight CPUReserve CPUUtilization DelayStart "
            "DelayStartSeconds DiskIO DynamicMemoryBufferPercentage DynamicMemoryDemandMB "
            "DynamicMemoryMaximumMB DynamicMemoryMinimumMB ExpectedCPUUtilization "
            "Generation Memory MemoryAssignedMB MemoryWeight NetworkUtilization "
            "PerfCPUUtilization TimeZone UpgradeDomain"
        ),
        Int64=(
            "PerfDiskBytesRead PerfDiskBytesWrite PerfNetworkBytesRead "
            "PerfNetworkBytesWrite TotalSize"
        ),
        DateTime="AddedTime CreationTime ModifiedTime",
        complex=(
            "DeploymentErrorInfo:ErrorInfo OperatingSystemInstance:OperatingSystem "
            "Owner:UserAndRole"
        ),
        lists=(
            "GrantedToList:UserAndRole "
            "NewVirtualNetworkAdapterInput:NewVMVirtualNetworkAdapterInput "
            "VMNetworkAssignments:VMNetworkAssignment"
        ),
        navs=(
            "Cloud>Clouds FailedJob>Jobs MostRecentTask>Jobs "
            "VirtualDiskDrives>>VirtualDiskDrives VirtualDVDDrives>>VirtualDVDDrives "
            "VirtualHardDisks>>VirtualHardDisks "
            "VirtualNetworkAdapters>>VirtualNetworkAdapters "
            "VirtualSCSIAdapters>>VirtualSCSIAdapters VMCheckpoints>>VMCheckPoints"
        ),
        stream="VMConnection",
    ),
    declare(
        "VirtualNetworkAdapters",
        "VirtualNetworkAdapter",
        key="ID StampId",
        Guid="ID ParentId StampId TemplateId VMId VMNetworkId VMSubnetId",
        String=(
            "Accessibility Description EthernetAddress EthernetAddressType IPv4AddressType "
            "IPv6AddressType Location MACAddress MACAddressType Name PhysicalAddress "
            "PhysicalAddressType RequiredBandwidth Tag VirtualNetworkAdapterType "
            "VirtualNetwork VMNetworkName VMwarePortGroup"
        ),
        Boolean=(
            "Enabled EnableMACAddressSpoofing IsSynthetic MACAddressesSpoofingEnabled "
            "MACAddressesSpoolingEnabled MACAddressSpoofingEnabled VLanEnabled "
            "VMNetworkOptimizationEnabled"
        ),
        Int16="VLanId",
        Int32="SlotId VmwAdapterIndex",
        DateTime="AddedTime ModifiedTime",
        lists=(
            "ChildObjectIDs:Guid IPv4Addresses:String IPv4AddressPoolsId:Guid "
            "IPv6Addresses:String IPv6AddressPoolsId:Guid"
        ),
    ),
    declare(
        "VirtualDiskDrives",
        "VirtualDiskDrive",
        key="ID StampId",
        Guid="ID ISOId StampId TemplateId VirtualHardDiskId VMId",
        String="Accessibility BusType Description FileName HostDrive Name Path VolumeType",
        Boolean="Enabled IDE ISOLinked IsVHD SCSI",
        Byte="Bus LUN",
        Int64="Size",
        DateTime="AddedTime ModifiedTime",
        navs="VirtualHardDisk>VirtualHardDisks",
        actions="Expand(VirtualHardDiskSizeGB:Int32)",
    ),
    declare(
        "VirtualDVDDrives",
        "VirtualDVDDrive",
        key="ID StampId",
        Guid="ID ISOId JobGroupId StampId TemplateId VMId",
        String="Accessibility BusType Connection Description HostDrive Name",
        Boolean="Enabled ISOLinked",
        Byte="Bus LUN",
        Int64="Size",
        DateTime="AddedTime ModifiedTime",
        lists="ChildObjectIDs:Guid",
        navs="ISO>ISOs",
    ),
    declare(
        "VirtualSCSIAdapters",
        "VirtualSCSIAdapter",
        key="ID StampId",
        Guid="ID StampId TemplateId VMId",
        String="Accessibility Description Name SCSIControllerType",
        Boolean="Enabled Shared",
        Byte="AdapterID Bus",
        DateTime="AddedTime ModifiedTime",
    ),
    declare(
        "VMCheckPoints",
        "VMCheckPoint",
        key="ID StampId",
        Guid="CheckpointID ID ParentCheckpointID StampId VMId",
        String="Accessibility Description Name VMCheckPointAction",
        Boolean="Confirm Enabled RunAsynchronously",
        DateTime="AddedTime ModifiedTime",
        navs="ParentCheckPoint>VMCheckPoints",
    ),
    declare(
        "GuestInfos",
        "GuestInfo",
        key="StampId VMId",
        Guid="StampId VMId",
        String="IPv4Addresses IPv6Addresses",
    ),
    declare(
        "PerformanceData",
        "PerformanceData",
        key="PerformanceCounter StampId TimeFrame VMId",
        Guid="StampId VMId",
        String="PerformanceCounter TimeFrame",
        lists="PerformanceHistory:Int32 TimeSamples:DateTime",
    ),
)
