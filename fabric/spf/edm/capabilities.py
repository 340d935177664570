"""Capability profiles: nearly every property is one half of a range. 2012 R2 generation."""

from __future__ import annotations

from fabric.spf.edm.build import declare

SETS = (
    declare(
        "CapabilityProfiles",
        "CapabilityProfile",
        key="ID StampId",
        Guid=(
            "DVDImageFileInitial ExistDiskStorageClassificationValue FloppyImageFileInitial "
            "ID LogicalNetworkValue NewDiskImageFileInitial "
            "NewDiskStorageClassificationValue StampId"
        ),
        String=(
            "COM1PipeNameInitial COM1TextFileName COM2PipeNameInitial "
            "COM2TextFileNameInitial Description FabricCapabilityType Name "
            "NetworkAdapterNameInitial NewDiskFileNameInitial StaticMACAddressInitial"
        ),
        Boolean=(
            "CPUCompatibilityModeValue CPUCompatibilityModeValueCanChange "
            "CreateNewDiskCanChange CreateNewDiskInitial DifferencingVirtualHardDiskValue "
            "DifferencingVirtualHardDiskValueCanChange DynamicMemoryValue "
            "DynamicMemoryValueCanChange DynamicVirtualHardDiskValue "
            "DynamicVirtualHardDiskValueCanChange EnableNumLockCanChange "
            "EnableNumLockInitial FixedVirtualHardDiskValue "
            "FixedVirtualHardDiskValueCanChange NetworkOptimizationValue "
            "NetworkOptimizationValueCanChange OSCompatibilityModeValue "
            "OSCompatibilityModeValueCanChange ReadOnly SharedDVDImageFileValue "
            "SharedDVDImageFileValueCanChange StartActionAlwaysStartCanChange "
            "StartActionAlwaysStartInitial StartActionAutomaticallyStartIfRunningCanChange "
            "StartActionAutomaticallyStartIfRunningInitial StartActionDoNothingCanChange "
            "StartActionDoNothingInitial StaticMemoryCanChange StaticMemoryInitial "
            "StopActionDoNothingCanChange StopActionDoNothingInitial "
            "StopActionSaveStateVMCanChange StopActionSaveStateVMInitial "
            "StopActionShutdownVMCanChange StopActionShutdownVMInitial "
            "StopActionTurnOffVMCanChange StopActionTurnOffVMInitial "
            "UseBusLogicParallelSCSICanChange UseBusLogicParallelSCSIInitial "
            "UseCOM1CanChange UseCOM1Initial UseCOM1NamedPipeCanChange "
            "UseCOM1NamedPipeInitial UseCOM1TextFileCanChange UseCOM1TextFileInitial "
            "UseCOM2CanChange UseCOM2Initial UseCOM2NamedPipeCanChange "
            "UseCOM2NamedPipeInitial UseCOM2TextFileCanChange UseCOM2TextFileInitial "
            "UseDynamicIPv4CanChange UseDynamicIPv4Initial UseDynamicIPv6CanChange "
            "UseDynamicIPv6Initial UseEmulatedNetworkAdapterCanChange "
            "UseEmulatedNetworkAdapterInitial UseExistingDiskForOperatingSystemCanChange "
            "UseExistingDiskForOperatingSystemInitial UseExistingDiskImageFileCanChange "
            "UseExistingDiskImageFileInitial UseExistingDVDImageFileCanChange "
            "UseExistingDVDImageFileInitial UseExistingFloppyDriveCanChange "
            "UseExistingFloppyDriveInitial UseExistingFloppyImageFileCanChange "
            "UseExistingFloppyImageFileInitial "
            "UseExistingOrFirstAvailableDiskDriveChannelCanChange "
            "UseExistingOrFirstAvailableDiskDriveChannelInitial "
            "UseExistingOrFirstAvailableDVDDriveChannelCanChange "
            "UseExistingOrFirstAvailableDVDDriveChannelInitial "
            "UseFirstAvailableChannelForNewDiskCanChange "
            "UseFirstAvailableChannelForNewDiskInitial UseForOperatingSystemCanChange "
            "UseForOperatingSystemInitial UseLSILogicParallelSCSICanChange "
            "UseLSILogicParallelSCSIInitial UseLSILogicSASSCSICanChange "
            "UseLSILogicSASSCSIInitial UseMACSpoofingCanChange UseMACSpoofingInitial "
            "UseNoMediaDVDDriveCanChange UseNoMediaDVDDriveInitial "
            "UseNoMediaFloppyDriveCanChange UseNoMediaFloppyDriveInitial "
            "UsePassthroughDiskCanChange UsePassthroughDiskInitial "
            "UsePhysicalDVDDriveCanChange UsePhysicalDVDDriveInitial UseStaticIPv4CanChange "
            "UseStaticIPv4Initial UseStaticIPv6CanChange UseStaticIPv6Initial "
            "UseStaticMACAddressCanChange UseStaticMACAddressInitial "
            "UseSyntheticNetworkAdapterCanChange UseSyntheticNetworkAdapterInitial "
            "UseVMWareParavirtualSCSICanChange UseVMWareParavirtualSCSIInitial "
            "VMHighlyAvailableValue VMHighlyAvailableValueCanChange"
        ),
        Int32=(
            "CPUCountInitial CPUCountMaximum CPUCountMinimum CPUPriorityCustomInitial "
            "CPUPriorityCustomMaximum CPUPriorityCustomMinimum CPUPriorityHighInitial "
            "CPUPriorityHighMaximum CPUPriorityHighMinimum CPUPriorityLowInitial "
            "CPUPriorityLowMaximum CPUPriorityLowMinimum CPUPriorityNormalInitial "
            "CPUPriorityNormalMaximum CPUPriorityNormalMinimum DVDDriveChannelInitial "
            "DVDDriveChannelMaximum DVDDriveChannelMinimum ExistingDiskChannelInitial "
            "ExistingDiskChannelMaximum ExistingDiskChannelMinimum "
            "MaximumHorizontalMonitorResolutionInitial "
            "MaximumHorizontalMonitorResolutionMaximum "
            "MaximumHorizontalMonitorResolutionMinimum MaximumMemoryMBInitial "
            "MaximumMemoryMBMaximum MaximumMemoryMBMinimum MaximumMonitorCountInitial "
            "MaximumMonitorCountMaximum MaximumMonitorCountMinimum "
            "MaximumVerticalMonitorResolutionInitial "
            "MaximumVerticalMonitorResolutionMaximum "
            "MaximumVerticalMonitorResolutionMinimum MemoryAmountInitial "
            "MemoryAmountMaximum MemoryAmountMinimum MemoryMBInitial MemoryMBMaximum "
            "MemoryMBMinimum MemoryPriorityCustomInitial MemoryPriorityCustomMaximum "
            "MemoryPriorityCustomMinimum MemoryPriorityHighInitial "
            "MemoryPriorityHighMaximum MemoryPriorityHighMinimum MemoryPriorityLowInitial "
            "MemoryPriorityLowMaximum MemoryPriorityLowMinimum MemoryPriorityNormalInitial "
            "MemoryPriorityNormalMaximum MemoryPriorityNormalMinimum "
            "NewDiskDriveChannelInitial NewDiskDriveChannelMaximum "
            "NewDiskDriveChannelMinimum SCSIAdapterCountInitial SCSIAdapterCountMaximum "
            "SCSIAdapterCountMinimum StartupMemoryMBInitial StartupMemoryMBMaximum "
            "StartupMemoryMBMinimum TargetMemoryBufferPercentInitial "
            "TargetMemoryBufferPercentMaximum TargetMemoryBufferPercentMinimum "
            "VirtualDVDDriveCountInitial VirtualDVDDriveCountMaximum "
            "VirtualDVDDriveCountMinimum VirtualHardDiskCountInitial "
            "VirtualHardDiskCountMaximum VirtualHardDiskCountMinimum "
            "VirtualNetworkAdapterCountInitial VirtualNetworkAdapterCountMaximum "
            "VirtualNetworkAdapterCountMinimum"
        ),
        Int64=(
            "ExpectedCPUUtilizationInitial ExpectedCPUUtilizationMaximum "
            "ExpectedCPUUtilizationMinimum StartupDelaySecondsInitial "
            "StartupDelaySecondsMaximum StartupDelaySecondsMinimum "
            "VirtualHardDiskSizeMBInitial VirtualHardDiskSizeMBMaximum "
            "VirtualHardDiskSizeMBMinimum"
        ),
    ),
)
