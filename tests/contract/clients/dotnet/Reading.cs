// Scenarios that only read.
using System;
using System.Data.Services.Client;
using System.Linq;

public partial class Scenarios
{
    public void ListSets()
    {
        var context = Tenant();
        foreach (var cloud in context.CreateQuery<Cloud>("Clouds")) Say("cloud", cloud.Name);
        foreach (var template in context.CreateQuery<VMTemplate>("VMTemplates"))
            Say("template", template.Name);
        foreach (var role in context.CreateQuery<UserRole>("UserRoles")) Say("role", role.ID);
        foreach (var machine in Machines(context)) Say("machine", machine.Name);
        foreach (var point in context.CreateQuery<VMCheckPoint>("VMCheckPoints"))
            Say("checkpoint", point.Name);
    }

    public void ListStrictly()
    {
        var context = Tenant();
        context.IgnoreMissingProperties = false;
        foreach (var machine in Machines(context)) Say("machine", machine.Name);
    }

    public void FilterOrderAndPage()
    {
        var machines = Machines(Tenant());
        var found = machines.Where(m => m.Name.StartsWith("net-") && m.Memory >= 512)
            .OrderByDescending(m => m.Name).Skip(1).Take(1);
        Say("uri", found);
        foreach (var machine in found) Say("found", machine.Name);
        Say("count", machines.Where(m => m.Name != "net-2").Count());
        Say("longcount", machines.LongCount());
        var page = (QueryOperationResponse<VirtualMachine>)
            ((DataServiceQuery<VirtualMachine>)machines.IncludeTotalCount().Take(1)).Execute();
        Say("onpage", page.Count());
        Say("total", page.TotalCount);
    }

    public void FilterByEveryKind(string prefix)
    {
        var all = Machines(Tenant()).Where(m => m.Name.StartsWith(prefix) && m.Name != "net-made");
        Guid nobody = Guid.NewGuid(), tenant = new Guid(given["tenant"]);
        DateTime past = new DateTime(2020, 1, 2, 3, 4, 5, DateTimeKind.Utc), now = DateTime.UtcNow;
        Count("guid", all.Where(m => m.StampId == stamp));
        Count("guid-none", all.Where(m => m.StampId == nobody));
        Count("datetime", all.Where(m => m.CreationTime > past && m.CreationTime < now.AddDays(1)));
        Count("datetime-none", all.Where(m => m.CreationTime <= past));
        Count("byte", all.Where(m => m.CPUCount == 1));
        Count("int64", all.Where(m => m.TotalSize >= 0L));
        Count("boolean", all.Where(m => m.DynamicMemoryEnabled == false));
        Count("null", all.Where(m => m.VMId != null));
        Count("not", all.Where(m => !(m.Memory > 100 * 1024)));
        Count("contains", all.Where(m => m.Name.Contains("et-")));
        Count("ends", all.Where(m => m.Name.EndsWith("-1")));
        Count("upper", all.Where(m => m.Name.ToUpper() == "NET-1"));
        Count("length", all.Where(m => m.Name.Length == 5));
        Count("index", all.Where(m => m.Name.IndexOf("-") == 3));
        Count("substring", all.Where(m => m.Name.Substring(0, 3) == "net"));
        Count("replace", all.Where(m => m.Name.Replace("net", "db") == "db-1"));
        Count("trim", all.Where(m => m.Name.Trim() + "!" == "net-1!"));
        Count("year", all.Where(m => m.CreationTime.Value.Year >= now.Year - 1));
        Count("arithmetic", all.Where(m => (m.Memory + 1024) / 2 % 7 == 1024 % 7));
        Count("complex", all.Where(m => m.Owner.RoleID == tenant));
        Count("navigation", all.Where(m => m.Cloud.Name == "Gold"));
        Count("quote-none", all.Where(m => m.Name == "O'Hara & Söhne 100%+#"));
    }

    public void Project()
    {
        foreach (var row in Machines(Tenant()).OrderBy(m => m.Name).Select(m => new { m.Name, m.Memory }))
            Say("machine", row.Name + " " + row.Memory);
    }

    public void ReadOne(string id)
    {
        var machine = Machine(Tenant(), id);
        Say("name", machine.Name);
        Say("owner", machine.Owner.UserName);
        Say("status", machine.Status);
        Say("cores", machine.CPUCount);
        Say("created", machine.CreationTime.Value.ToUniversalTime().ToString("o"));
        Say("operation", machine.Operation == null);
    }

    public void Expand(string id)
    {
        var wanted = new Guid(id);
        var machine = Machines(Tenant()).Expand("VirtualNetworkAdapters").Expand("Cloud")
            .Where(m => m.ID == wanted).Single();
        Say("cloud", machine.Cloud.Name);
        foreach (var adapter in machine.VirtualNetworkAdapters)
            Say("adapter", adapter.VMNetworkName + " of " + adapter.VMId);
    }

    public void LoadLater(string id)
    {
        var context = Tenant();
        var machine = Machine(context, id);
        context.LoadProperty(machine, "VirtualNetworkAdapters");
        context.LoadProperty(machine, "Cloud");
        Say("cloud", machine.Cloud.Name);
        foreach (var adapter in machine.VirtualNetworkAdapters)
            Say("adapter", adapter.VMNetworkName + " of " + adapter.VMId);
    }

    public void QueryInABatch()
    {
        var context = Tenant();
        var answers = context.ExecuteBatch(context.CreateQuery<Cloud>("Clouds"), Machines(context));
        Say("batch", answers.BatchStatusCode);
        foreach (QueryOperationResponse answer in answers)
        {
            Say("status", answer.StatusCode);
            foreach (var found in answer) Say("found", found.GetType().Name);
        }
    }

    private static void Count(string name, IQueryable<VirtualMachine> query)
    {
        try
        {
            Say(name, query.ToList().Count);
        }
        catch (DataServiceQueryException fault)
        {
            Say(name, fault.Response.StatusCode + " " + query + " " + fault.InnerException.Message);
        }
    }
}
