"""Run by `netbox shell` in a migrated, empty database: makes the users that
the tests work with and prints their tokens as JSON."""

import hashlib
import json

from core.models import ObjectType
from users.models import ObjectPermission, Token, User

READ = {
    "core": ["objectchange", "objecttype"],
    "dcim": ["region", "sitegroup", "location", "rack"],
    "extras": ["imageattachment", "journalentry"],
    "ipam": ["vrf", "vlangroup", "service"],
    "tenancy": ["tenant", "contactassignment"],
    "virtualization": ["clustergroup"],
}
WRITE = {
    "dcim": [
        "device",
        "devicerole",
        "devicetype",
        "interface",
        "macaddress",
        "manufacturer",
        "platform",
        "site",
    ],
    "extras": ["customfield", "customfieldchoiceset", "journalentry", "tag"],
    "ipam": ["ipaddress", "prefix", "vlan"],
    "virtualization": [
        "cluster",
        "clustertype",
        "virtualdisk",
        "virtualmachine",
        "virtualmachinetype",
        "vminterface",
    ],
}


def object_types(models):
    return [
        ObjectType.objects.get(app_label=app, model=model)
        for app, names in models.items()
        for model in names
    ]


def permit(user, name, actions, types):
    permission = ObjectPermission.objects.create(name=name, actions=actions)
    permission.object_types.set(types)
    permission.users.add(user)


def account(user):
    """Give the user a token of each version, the same ones in every run, so
    that they are good in a stored dump too."""

    def secret(version):
        return hashlib.sha1(f"{user.username} v{version}".encode()).hexdigest()

    v1 = Token(user=user, version=1, token=secret(1))
    v1.save()
    v2 = Token(user=user, version=2, key=secret("2 key")[:12], token=secret(2))
    v2.save()
    return {
        "Name": user.username,
        "Password": PASSWORD,
        "TokenV1": v1.token,
        "TokenV1ID": v1.pk,
        "TokenV2": f"nbt_{v2.key}.{v2.token}",
        "TokenV2ID": v2.pk,
    }


PASSWORD = "Proxbox-tests-1"
admin = User.objects.create_superuser("admin", "admin@example.com", PASSWORD)
service = User.objects.create_user("proxbox", "proxbox@example.com", PASSWORD)
permit(service, "proxbox-api reads", ["view"], object_types(READ))
permit(
    service,
    "proxbox-api writes",
    ["view", "add", "change", "delete"],
    [*object_types(WRITE), *ObjectType.objects.filter(app_label="netbox_proxbox")],
)
reader = User.objects.create_user("reader", "reader@example.com", PASSWORD)
permit(
    reader,
    "reads",
    ["view"],
    [
        *object_types(READ),
        *object_types(WRITE),
        *ObjectType.objects.filter(app_label="netbox_proxbox"),
    ],
)
print(json.dumps({"Admin": account(admin), "Service": account(service), "Reader": account(reader)}))
