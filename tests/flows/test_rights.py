"""What a role forbids is refused, whoever asks; restricted members act in roles of their own."""

from __future__ import annotations

import pytest

from fabric import access
from fabric.actions import (
    adapters,
    bulk,
    checkpoints,
    configuring,
    copies,
    disks,
    machines,
    media,
    power,
    subscriptions,
)
from fabric.models import Job, LibraryDisk, Machine, MachineGrant, Media, Network
from fabric.orders import Guest
from fabric.providers.abilities import ALL, MEMBER_ROLES
from fabric.states import Verb
from plans.actions import quota
from plans.errors import QuotaExceeded
from plans.models import MemberLimit
from tenants.errors import NotPermitted
from tenants.models import ApiKey, Membership, Operation
from tenants.rights import Right
from tests.factories.fabric import make_plan, make_subscription, new_machine


@pytest.fixture
def things(running, alice, work):
    """Return a machine with one more disk and a checkpoint."""
    disks.attach(by=alice, machine=running, size_gb=5)
    work()
    checkpoints.create(by=alice, machine=running, name="clean")
    work()
    running.refresh_from_db()
    return running


def acts(machine: Machine) -> dict:
    """Everything that can be asked of a machine."""
    guest = Guest(password="Canary-Again-1")
    disk, point = machine.disks.get(is_boot=False), machine.checkpoints.get()
    network, image = Network.objects.get(), Media.objects.get()
    adapter = machine.adapters.get()
    return {
        "configure": lambda by: configuring.configure(by=by, machine=machine, name="other"),
        "tag": lambda by: configuring.tag(by=by, machine=machine, tags=["x"]),
        "protect": lambda by: configuring.protect(by=by, machine=machine, on=True),
        "lease": lambda by: configuring.lease(by=by, machine=machine, ends_at=None),
        "delete": lambda by: machines.delete(by=by, machine=machine),
        "attach": lambda by: disks.attach(by=by, machine=machine, size_gb=1),
        "library": lambda by: disks.attach(
            by=by, machine=machine, library_disk=LibraryDisk.objects.get()
        ),
        "grow": lambda by: disks.grow(by=by, disk=disk, size_gb=9),
        "detach": lambda by: disks.remove(by=by, disk=disk),
        "plug": lambda by: adapters.attach(by=by, machine=machine, network=network),
        "change": lambda by: adapters.change(by=by, adapter=adapter, address="10.20.9.9"),
        "unplug": lambda by: adapters.remove(by=by, adapter=adapter),
        "checkpoint": lambda by: checkpoints.create(by=by, machine=machine),
        "restore": lambda by: checkpoints.restore(by=by, checkpoint=point),
        "forget": lambda by: checkpoints.remove(by=by, checkpoint=point),
        "rename": lambda by: checkpoints.rename(by=by, checkpoint=point, name="x", description=""),
        "insert": lambda by: media.insert(by=by, machine=machine, media=image),
        "eject": lambda by: media.eject(by=by, machine=machine),
        "clone": lambda by: copies.clone(by=by, machine=machine, name="c", request_key="c"),
        "from_checkpoint": lambda by: copies.from_checkpoint(
            by=by, checkpoint=point, name="c", request_key="d"
        ),
        "store": lambda by: copies.store(by=by, machine=machine),
        "deploy_stored": lambda by: copies.deploy_stored(by=by, machine=machine),
        "rebuild": lambda by: copies.rebuild(
            by=by, machine=machine, template=machine.template, guest=guest, request_key="r"
        ),
        "rescue": lambda by: copies.rescue(by=by, machine=machine, media=image),
        "end_rescue": lambda by: copies.end_rescue(by=by, machine=machine),
        "deploy": lambda by: machines.deploy(
            by=by,
            subscription=machine.subscription,
            order=new_machine(machine.subscription, "web-09"),
            request_key="k9",
        ),
        **{
            str(verb): lambda by, verb=verb: power.operate(by=by, machine=machine, verb=verb)
            for verb in (Verb.STOP, Verb.SHUTDOWN, Verb.RESTART, Verb.RESET, Verb.PAUSE, Verb.SAVE)
        },
    }


ALLOWED = ("shutdown", "restart")


def is_refused(act, person) -> bool:
    try:
        act(person)
    except NotPermitted:
        return True
    return False


@pytest.mark.parametrize("who", ["dora", "charlie", "olga"])
def test_readers_strangers_and_operators_are_refused_everything(request, who, things):
    person = request.getfixturevalue(who)
    before = Job.objects.count()
    assert [name for name, act in acts(things).items() if not is_refused(act, person)] == []
    assert Job.objects.count() == before


def narrow(user, **fields) -> Membership:
    Membership.objects.filter(user=user).update(**fields)
    return user.memberships.get()


def test_a_composed_role_may_do_just_what_it_holds(things, bob):
    narrow(bob, rights=[Right.START, Right.SHUTDOWN])
    assert access.rights_on(bob, things) == {"Start", "Shutdown"}
    others = {name: act for name, act in acts(things).items() if name not in ALLOWED}
    assert [name for name, act in others.items() if not is_refused(act, bob)] == []
    assert power.operate(by=bob, machine=things, verb=Verb.RESTART)


def test_the_refusal_says_whose_it_is(things, bob, plan):
    narrow(bob, rights=[Right.START])
    assert "Your role" in (access.why_forbidden(bob, things, Verb.STOP) or "")
    assert access.why_forbidden(bob, things, Verb.START) is None
    plan.offering.permissions = []
    plan.offering.save()
    things = Machine.objects.get(pk=things.pk)
    assert "Your plan" in (access.why_forbidden(bob, things, Verb.START) or "")


def test_only_who_might_have_asked_may_resume(order, dora, bob, alice, fake, work):
    fake.plan("ensure_machine", "fail")
    machine = order()
    work()
    narrow(bob, rights=[Right.STOP])
    for person in (dora, bob):
        with pytest.raises(NotPermitted):
            machines.resume(by=person, machine=machine)
    assert machines.resume(by=alice, machine=machine)


def test_one_query_tells_what_one_may_do(things, bob, django_assert_num_queries):
    machine = Machine.objects.select_related("subscription__plan__offering").get(pk=things.pk)
    with django_assert_num_queries(1):
        assert "Stop" in access.rights_on(bob, machine)
    with django_assert_num_queries(0):
        assert access.rights_on(bob, machine, {"Stop", "Team"}) == {"Stop", "Team"}


def test_chosen_machines_are_all_that_is_seen(things, order, bob, alice, work):
    hidden = order("db-01", key="k2")
    work()
    member = narrow(bob, all_machines=False)
    assert not Machine.objects.visible_to(bob).exists()
    MachineGrant.objects.create(membership=member, machine=things)
    assert list(Machine.objects.visible_to(bob)) == [things]
    assert set(Job.objects.visible_to(bob).exclude(machine=None)) == set(things.jobs.all())
    told = set(access.operations_visible_to(bob).values_list("object_id", flat=True))
    assert str(things.pk) in told
    assert str(hidden.pk) not in told
    assert Operation.objects.visible_to(alice).filter(object_id=str(hidden.pk)).exists()
    with pytest.raises(NotPermitted):
        power.operate(by=bob, machine=hidden, verb=Verb.STOP)
    outcomes = bulk.many(by=bob, machines=[things, hidden], verb=Verb.STOP)
    assert [bool(each.job) for each in outcomes] == [True, False]


def test_what_a_member_made_is_theirs(order, bob, work):
    narrow(bob, all_machines=False)
    machine = order("bobs", key="b", by=bob)
    assert list(Machine.objects.visible_to(bob)) == [machine]


def test_a_member_stays_within_their_part(order, bob, subscription, work, plan, olga):
    member = bob.memberships.get()
    MemberLimit.objects.create(membership=member, subscription=subscription, machines=1, cores=2)
    subscriptions.provision_again(plan, by=olga)
    work()
    machine = order("bobs", key="b", by=bob)
    with pytest.raises(QuotaExceeded, match="Your part"):
        order("bobs-2", key="b2", by=bob)
    work()
    power.operate(by=bob, machine=machine, verb=Verb.STOP)
    work()
    with pytest.raises(QuotaExceeded, match="Your part"):
        configuring.configure(by=bob, machine=machine, cores=3)
    assert order("alices", key="a")
    assert quota.used_by_member(subscription, bob)["cores"] == 1


def test_restricted_members_act_in_a_role_of_their_own(things, bob, alice, fake, stamp):
    member = narrow(bob, rights=[Right.STOP])
    job = power.operate(by=bob, machine=things, verb=Verb.STOP)
    assert job.acts_as == access.role_of(things.subscription_id, member)
    assert job.acts_as != things.subscription_id
    Job.objects.filter(pk=job.pk).delete()
    Machine.objects.update(state="running")
    assert power.operate(by=alice, machine=things, verb=Verb.STOP).acts_as is None
    Job.objects.all().delete()
    Machine.objects.update(state="running")
    stamp.provider.capabilities = {
        "abilities": sorted(ALL - {MEMBER_ROLES}),
        "asked": sorted(ALL),
    }
    stamp.provider.save()
    assert power.operate(by=bob, machine=things, verb=Verb.STOP).acts_as is None


def test_a_key_does_no_more_than_its_scope(things, alice):
    alice.key = ApiKey(user=alice, tenant=things.subscription.tenant, scopes=[Right.START])
    assert access.rights_on(alice, things) == {"Start"}
    with pytest.raises(NotPermitted, match="Your role"):
        power.operate(by=alice, machine=things, verb=Verb.STOP)


def test_a_part_of_one_subscription_is_no_role_in_another(order, bob, stamp, alices, work):
    other = make_subscription(alices, make_plan(stamp.clouds.get(), "Another"))
    MemberLimit.objects.create(membership=bob.memberships.get(), subscription=other, machines=1)

    machine = order("bobs", key="b", by=bob)

    assert machine.jobs.get().acts_as is None, "the role is not there: VMM would refuse him"
    work()
    machine.refresh_from_db()
    assert machine.state == "running"
