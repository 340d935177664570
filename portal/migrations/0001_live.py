"""Have the database say what changed, whoever changed it: a notification with the ids concerned.

Every payload is the transaction and the ids: tenant, subscription, machine, job. What a transaction
says twice arrives once.
"""

from django.db import migrations

SAY = """
CREATE FUNCTION katal_live_say(subscription uuid, machine uuid, job uuid) RETURNS void AS $$
DECLARE tenant uuid;
BEGIN
    SELECT tenant_id INTO tenant FROM plans_subscription WHERE id = subscription;
    PERFORM pg_notify('katal_live',
        concat_ws(' ', pg_current_xact_id(), tenant, subscription, machine, job));
END $$ LANGUAGE plpgsql;

CREATE FUNCTION katal_live_machine() RETURNS trigger AS $$
BEGIN PERFORM katal_live_say(NEW.subscription_id, NEW.id, NULL); RETURN NULL; END
$$ LANGUAGE plpgsql;

CREATE FUNCTION katal_live_job() RETURNS trigger AS $$
BEGIN PERFORM katal_live_say(NEW.subscription_id, NEW.machine_id, NEW.id); RETURN NULL; END
$$ LANGUAGE plpgsql;

CREATE FUNCTION katal_live_subscription() RETURNS trigger AS $$
BEGIN PERFORM katal_live_say(NEW.id, NULL, NULL); RETURN NULL; END
$$ LANGUAGE plpgsql;

CREATE FUNCTION katal_live_operation() RETURNS trigger AS $$
BEGIN
    PERFORM pg_notify('katal_live', concat_ws(' ', pg_current_xact_id(), NEW.tenant_id));
    RETURN NULL;
END $$ LANGUAGE plpgsql;

CREATE TRIGGER live_made AFTER INSERT ON fabric_machine
    FOR EACH ROW EXECUTE FUNCTION katal_live_machine();
CREATE TRIGGER live_changed AFTER UPDATE ON fabric_machine
    FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION katal_live_machine();

CREATE TRIGGER live_made AFTER INSERT ON fabric_job
    FOR EACH ROW EXECUTE FUNCTION katal_live_job();
CREATE TRIGGER live_changed AFTER UPDATE OF state, percent, message, fault, steps, remote
    ON fabric_job FOR EACH ROW
    WHEN ((OLD.state, OLD.percent, OLD.message, OLD.fault, OLD.steps, OLD.remote)
        IS DISTINCT FROM (NEW.state, NEW.percent, NEW.message, NEW.fault, NEW.steps, NEW.remote))
    EXECUTE FUNCTION katal_live_job();

CREATE TRIGGER live_changed AFTER INSERT OR UPDATE ON plans_subscription
    FOR EACH ROW EXECUTE FUNCTION katal_live_subscription();

CREATE TRIGGER live_made AFTER INSERT ON tenants_operation
    FOR EACH ROW WHEN (NEW.tenant_id IS NOT NULL) EXECUTE FUNCTION katal_live_operation();
"""

SILENCE = """
DROP TRIGGER live_made ON fabric_machine;
DROP TRIGGER live_changed ON fabric_machine;
DROP TRIGGER live_made ON fabric_job;
DROP TRIGGER live_changed ON fabric_job;
DROP TRIGGER live_changed ON plans_subscription;
DROP TRIGGER live_made ON tenants_operation;
DROP FUNCTION katal_live_machine();
DROP FUNCTION katal_live_job();
DROP FUNCTION katal_live_subscription();
DROP FUNCTION katal_live_operation();
DROP FUNCTION katal_live_say(uuid, uuid, uuid);
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("fabric", "0008_probes"),
        ("plans", "0001_initial"),
        ("tenants", "0001_initial"),
    ]
    operations = [migrations.RunSQL(SAY, SILENCE)]
