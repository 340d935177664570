// Scenarios that change something.
using System;
using System.Data.Services.Client;
using System.Linq;

public partial class Scenarios
{
    public void CreateMachine(string name, string password)
    {
        var context = Tenant();
        var machine = new VirtualMachine
        {
            StampId = stamp,
            CloudId = new Guid(given["cloud"]),
            VMTemplateId = new Guid(given["template"]),
            Name = name,
            LocalAdminPassword = password,
            StartVM = true,
        };
        context.AddObject("VirtualMachines", machine);
        Save(context, SaveChangesOptions.None);
        // What the answer holds is read into the very object.
        Say("id", machine.ID);
        Say("shown", machine.StatusString);
        Say("task", machine.MostRecentTaskId);
        Say("input", machine.LocalAdminPassword == null && machine.StartVM == null);
        Uri address;
        context.TryGetUri(machine, out address);
        Say("address", address);
    }

    public void CreateMachineOfNoCloud()
    {
        var context = Tenant();
        context.AddObject("VirtualMachines", new VirtualMachine { StampId = stamp, Name = "lost" });
        Save(context, SaveChangesOptions.None);
    }

    public void DescribeMachine(string id, string description, string how)
    {
        var context = Tenant();
        var machine = Machine(context, id);
        machine.Description = description;
        context.UpdateObject(machine);
        Save(context, (SaveChangesOptions)Enum.Parse(typeof(SaveChangesOptions), how));
    }

    public void Operate(string id, string operation)
    {
        var context = Tenant();
        var machine = Machine(context, id);
        machine.Operation = operation;
        context.UpdateObject(machine);
        Save(context, SaveChangesOptions.None);
    }

    public void DeleteMachine(string id)
    {
        var context = Tenant();
        context.DeleteObject(Machine(context, id));
        Save(context, SaveChangesOptions.None);
    }

    public void CreateCheckPoint(string machine, string name)
    {
        var context = Tenant();
        var point = new VMCheckPoint { StampId = stamp, VMId = new Guid(machine), Name = name };
        context.AddObject("VMCheckPoints", point);
        Save(context, SaveChangesOptions.None);
        Say("id", point.ID);
    }

    public void ListCheckPoints(string machine)
    {
        var wanted = new Guid(machine);
        var query = Tenant().CreateQuery<VMCheckPoint>("VMCheckPoints")
            .Where(p => p.StampId == stamp && p.VMId == wanted).OrderBy(p => p.Name);
        foreach (var point in query) Say("checkpoint", point.Name + " " + point.Description);
    }

    public void DescribeCheckPoint(string id, string description)
    {
        var context = Tenant();
        var point = CheckPoint(context, id);
        point.Description = description;
        context.UpdateObject(point);
        Save(context, SaveChangesOptions.None);
    }

    public void RestoreCheckPoint(string id)
    {
        var context = Tenant();
        var point = CheckPoint(context, id);
        point.VMCheckPointAction = "Restore";
        context.UpdateObject(point);
        Save(context, SaveChangesOptions.None);
    }

    public void DeleteCheckPoint(string id)
    {
        var context = Tenant();
        context.DeleteObject(CheckPoint(context, id));
        Save(context, SaveChangesOptions.None);
    }

    public void CreateRole(string id, string name)
    {
        var context = Administrator();
        var role = new UserRole { ID = new Guid(id), Name = name, UserRoleProfile = "TenantAdmin" };
        context.AddObject("UserRoles", role);
        Save(context, SaveChangesOptions.None);
        Say("id", role.ID);
        Say("profile", role.Profile);
    }

    public void DescribeRole(string id, string description)
    {
        var context = Administrator();
        var role = Role(context, id);
        role.Description = description;
        context.UpdateObject(role);
        Save(context, SaveChangesOptions.None);
        Say("description", Role(Administrator(), id).Description);
    }

    public void DeleteRole(string id)
    {
        var context = Administrator();
        context.DeleteObject(Role(context, id));
        Save(context, SaveChangesOptions.None);
    }

    public void LinkTenant(string subscription, string name)
    {
        var context = Admin();
        var home = context.CreateQuery<Stamp>("Stamps").Where(s => s.ID == stamp).Single();
        var tenant = new Tenant { SubscriptionID = new Guid(subscription), Name = name };
        context.AddObject("Tenants", tenant);
        Save(context, SaveChangesOptions.None);
        context.AddLink(tenant, "Stamps", home);
        Save(context, SaveChangesOptions.None);
        Say("linked", StampsOf(tenant.ID));
        context.DeleteLink(tenant, "Stamps", home);
        Save(context, SaveChangesOptions.None);
        Say("parted", StampsOf(tenant.ID));
    }

    public void CreateRolesInABatch(string first, string second)
    {
        var context = Administrator();
        foreach (var name in new[] { first, second })
        {
            var role = new UserRole { ID = Guid.NewGuid(), Name = name, UserRoleProfile = "TenantAdmin" };
            context.AddObject("UserRoles", role);
        }
        var answers = context.SaveChanges(SaveChangesOptions.Batch);
        Say("batch", answers.BatchStatusCode);
        foreach (var answer in answers) Say("status", answer.StatusCode);
    }

    private string StampsOf(Guid tenant)
    {
        var found = Admin().CreateQuery<Tenant>("Tenants").Expand("Stamps")
            .Where(t => t.ID == tenant).Single();
        return String.Join(" ", found.Stamps.Select(each => each.ID.ToString()).ToArray());
    }
}
