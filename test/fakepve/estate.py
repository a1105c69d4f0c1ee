"""Serve an estate of internal/sim/proxmox with fakepve.

    estate.py HOST READY

The estate comes as JSON to the control port: PUT /estate, as often as wanted.
The ports are written into the file READY once both answer. GET /writes lists
the requests that would have changed something, DELETE /tickets logs everybody
out.

fakepve answers from its own model of Proxmox VE. What it has no model of and
makes up (a node's network, the cluster's options, jobs and SDN, a container's
interfaces other than those of its configuration) is answered with what the
estate says, by FakePve.fail, which takes any status and text. So is the status
of a stand-alone host, which it takes for a cluster.
"""

import asyncio
import json
import os
import re
import sys
import tempfile

from aiohttp import web
from fakepve import FakePve, shapes
from fakepve.certs import make_cert


def say(pve, path, data):
    """Make a path answer with this data."""
    pve.fail('GET', '/api2/json' + path, 200, json.dumps({'data': data}), html=True)


def property_string(text):
    return dict(part.partition('=')[::2] for part in text.split(','))


def add_nodes(pve, estate):
    pve.nodes.clear()
    pve.tasklog.clear()
    for node in estate['nodes']:
        pve.add_node(node['name'], online=not node.get('offline'))
        say(pve, '/nodes/{name}/network'.format(**node), node['network'] or [])
        for task in node['tasks'] or []:
            # fakepve shows the exit status under its name in the list.
            pve.tasklog.append(dict(task, exitstatus=task.get('status'), status='stopped'))
    if not estate.get('cluster'):
        host = estate['nodes'][0]
        say(pve, '/cluster/status', [{'type': 'node', 'id': 'node/' + host['name'], 'name': host['name'], 'nodeid': 0,
                                      'ip': host['ip'], 'level': '', 'online': 1, 'local': 1}])
    # It has one fingerprint for all nodes; another fake must have another.
    shapes.FINGERPRINT = estate['nodes'][0]['fingerprint']


def add_guests(pve, estate):
    pve.vms.clear()
    pve.cts.clear()
    pve.pools.clear()
    for guest in estate['guests'] or []:
        if guest.get('pool'):
            pve.pools.setdefault(guest['pool'], set()).add(guest['vmid'])
        (add_container if guest['type'] == 'lxc' else add_machine)(pve, estate, guest)


def add_machine(pve, estate, guest):
    config, vmid = guest['config'], guest['vmid']
    vm = pve.add_vm(vmid, config.get('name') or 'VM {0}'.format(vmid), node=guest['node'], status=guest['status'],
                    config=config, pending=guest.get('pending'), template=bool(config.get('template')),
                    lock=config.get('lock'), pool=guest.get('pool'))
    # It gives every guest a name in its configuration.
    vm.config = dict(config)
    vm.ha_state = guest.get('ha_state')
    vm.snapshots = snapshots(guest)
    agent = guest.get('agent')
    if agent is None:
        return
    vm.agent_hangs = bool(agent.get('hangs'))
    refusal = agent.get('refusal')
    vm.agent = {
        'interfaces': {'error': refusal} if refusal else agent['interfaces'],
        'os': {'error': refusal} if refusal else agent.get('os'),
        'get-host-name': {'error': refusal} if refusal else {'host-name': agent.get('hostname')},
    }


def add_container(pve, estate, guest):
    ct = pve.add_ct(guest['vmid'], node=guest['node'], status=guest['status'], config=guest['config'],
                    pending=guest.get('pending'), pool=guest.get('pool'), defaults=False)
    ct.ha_state = guest.get('ha_state')
    ct.snapshots = snapshots(guest)
    if guest.get('interfaces') and guest['status'] == 'running':
        say(pve, '/nodes/{node}/lxc/{vmid}/interfaces'.format(**guest), interfaces(guest['interfaces']))


def snapshots(guest):
    return dict((s['name'], {'snaptime': s['time'], 'description': s.get('description'), 'parent': s.get('parent'),
                             'vmstate': s.get('with_memory')}) for s in guest.get('snapshots') or [])


def interfaces(told):
    """A container's interfaces in the form of Proxmox VE 9."""
    out = []
    for nic in [{'name': 'lo', 'mac': '00:00:00:00:00:00', 'inet': '127.0.0.1/8', 'inet6': '::1/128'}] + told:
        row = {'name': nic['name'], 'hwaddr': nic['mac'], 'hardware-address': nic['mac'], 'ip-addresses': []}
        for family in ('inet', 'inet6'):
            if nic.get(family):
                row[family] = nic[family]
                address, _, prefix = nic[family].partition('/')
                row['ip-addresses'].append({'ip-address-type': family, 'ip-address': address, 'prefix': prefix})
        out.append(row)
    return out


def add_storages(pve, estate):
    pve.storages.clear()
    for storage in estate['storages'] or []:
        config = dict(storage['config'])
        name = config.pop('storage')
        pve.storages[name] = dict(config, active=1, files=set(), volumes={})
        for backup in storage.get('backups') or []:
            volume = backup['volid'].partition(':')[2]
            pve.storages[name]['volumes'][volume] = dict(backup, content='backup')


def add_users(pve, estate):
    pve.acl = {}  # None would give everybody everything
    pve.users.clear()
    pve.apitokens.clear()
    for user in estate['users'] or []:
        pve.users[user['id']] = user['password']
        if user['id'] == pve.user:
            pve.password = user['password']
        rights = user['rights']
        grant(pve, user['id'], {'/': dict.fromkeys(shapes.PRIVILEGES, True)} if rights is None else rights)
    for token in estate['tokens'] or []:
        pve.apitokens[token['id']] = token['secret']
        grant(pve, token['id'], token['rights'] or {})


def grant(pve, user, rights):
    """The rights that propagate: it knows no others. A token has its user's rights as well."""
    for path, privileges in rights.items():
        pve.grant(user, path, *(name for name, propagates in privileges.items() if propagates))


def add_jobs(pve, estate):
    style = estate.get('tag_style')
    say(pve, '/cluster/options', {'tag-style': property_string(style)} if style else {})
    say(pve, '/cluster/replication', estate['replications'] or [])
    say(pve, '/cluster/backup', estate['backup_jobs'] or [])


def add_sdn(pve, estate):
    sdn = estate.get('sdn')
    if sdn is None:
        for path in ('/cluster/sdn/zones', '/cluster/sdn/vnets'):
            pve.fail('GET', '/api2/json' + path, 501, "Method 'GET {0}' not implemented".format(path))
        return
    say(pve, '/cluster/sdn/zones', sdn.get('zones') or [])
    say(pve, '/cluster/sdn/vnets', sdn.get('vnets') or [])
    for vnet in sdn.get('vnets') or []:
        say(pve, '/cluster/sdn/vnets/{vnet}/subnets'.format(**vnet), (sdn.get('subnets') or {}).get(vnet['vnet']) or [])


def load(pve, estate):
    """Make the fake that of the estate. Who is logged in stays so."""
    pve.version = estate['version']
    pve.release_version = re.match(r'\d+(\.\d+)?', estate['version']).group(0)
    pve.cluster_name = estate.get('cluster')
    pve.quorate = not estate.get('no_quorum')
    pve.failures.clear()
    for add in (add_nodes, add_guests, add_storages, add_users, add_jobs, add_sdn):
        add(pve, estate)
    for path, fault in (estate.get('faults') or {}).items():
        if fault.get('hangs'):
            raise ValueError('fakepve cannot let {0} hang'.format(path))
        pve.fail('GET', '/api2/json' + path, fault['status'], fault['message'])


async def serve(host, ready):
    pve = FakePve(host=host, port=0)

    async def put(request):
        load(pve, await request.json())
        return web.Response(status=204)

    async def writes(request):
        return web.json_response(['{0} {1}'.format(method, path.removeprefix('/api2/json'))
                                  for method, path, _ in pve.requests
                                  if method not in ('GET', 'HEAD') and not path.endswith('/access/ticket')])

    async def revoke(request):
        pve.revoke_tickets()
        return web.Response(status=204)

    control = web.Application(client_max_size=1 << 30)
    control.add_routes([web.put('/estate', put), web.get('/writes', writes), web.delete('/tickets', revoke)])
    runner = web.AppRunner(control)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    with tempfile.TemporaryDirectory() as directory:
        certfile, keyfile, _ = make_cert(directory, hosts=(host,))
        await pve.start(certfile, keyfile)
    with open(ready + '.part', 'w') as out:
        json.dump({'port': pve.port, 'control': runner.addresses[0][1]}, out)
    os.rename(ready + '.part', ready)
    await asyncio.Event().wait()


if __name__ == '__main__':
    asyncio.run(serve(*sys.argv[1:]))
