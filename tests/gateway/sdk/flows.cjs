// Every operation through OCI's own client, in the order in which people use them.
//   node flows.cjs URL NODE_MODULES COMPARTMENT MODEL...
const { createRequire } = require('node:module');
const { generateKeyPairSync } = require('node:crypto');
const assert = require('node:assert/strict');
const path = require('node:path');

process.env.OCI_SDK_DEFAULT_RETRY_ENABLED = 'false';
const [url, modules, compartmentId, ...models] = process.argv.slice(2);
const load = createRequire(path.join(modules, 'x.js'));
const common = load('oci-common');
const science = load('oci-datascience');
const deployment = load('oci-modeldeployment');

const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  .export({ type: 'pkcs8', format: 'pem' });
const provider = new common.SimpleAuthenticationDetailsProvider(
  'ocid1.tenancy.oc1..t', 'ocid1.user.oc1..u',
  'e3:0b:2b:dd:b2:3e:bb:21:3f:a2:65:9a:2e:f8:e6:82', key, null);
const client = new science.DataScienceClient({ authenticationDetailsProvider: provider });
client.endpoint = url;
const predictor = new deployment.ModelDeploymentClient(
  { authenticationDetailsProvider: provider });
predictor.endpoint = url;
const projectId = 'ocid1.datascienceproject.oc1.iad.p';

const refusedWith = (statusCode, serviceCode) => (error) => {
  assert.equal(error.statusCode, statusCode, String(error));
  assert.equal(error.serviceCode, serviceCode, String(error));
  assert.ok(error.opcRequestId);
  return true;
};
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
async function until(what, look) {
  for (const end = Date.now() + 60000; Date.now() < end; await pause(50)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`waited 60 s for: ${what}`);
}
async function finished(opcWorkRequestId) {
  return until(`work request ${opcWorkRequestId}`, async () => {
    const { workRequest } = await client.getWorkRequest({ workRequestId: opcWorkRequestId });
    return workRequest.timeFinished && workRequest;
  });
}
const members = (list) => ({
  memberModelDetails: list.map(([inferenceKey, modelId]) => ({ inferenceKey, modelId })),
});
const create = (displayName, list, more) => client.createModelGroup({
  createBaseModelGroupDetails: {
    createType: 'CREATE', compartmentId, projectId, displayName, description: 'mms',
    modelGroupDetails: { type: 'HOMOGENEOUS', customMetadataList: [
      { key: 'gpu', value: 'any', description: 'pin', category: 'other' }] },
    memberModelEntries: members(list), freeformTags: { Department: 'Finance' }, ...more,
  },
});

const flows = {
  async 'a group is made, read, listed, updated, moved and deleted'() {
    const made = await create('My Model & Group', [['key1', models[0]], ['key2', models[1]]]);
    const group = made.modelGroup;
    assert.ok(made.etag && made.opcWorkRequestId && made.opcRequestId);
    assert.equal(group.lifecycleState, 'ACTIVE');
    assert.equal(group.createType, 'CREATE');
    assert.equal(group.modelGroupDetails.type, 'HOMOGENEOUS');
    assert.equal(group.memberModelEntries.memberModelDetails.length, 2);
    assert.equal(group.freeformTags.Department, 'Finance');
    assert.ok(group.timeCreated && group.createdBy && group.projectId === projectId);
    const work = await finished(made.opcWorkRequestId);
    assert.equal(work.status, 'SUCCEEDED');
    assert.equal(work.operationType, 'MODEL_GROUP_CREATE');
    assert.equal(work.percentComplete, 100);
    assert.equal(work.resources[0].identifier, group.id);
    assert.ok(work.resources[0].entityType.includes('model-group'));
    const logs = await client.listWorkRequestLogs({ workRequestId: work.id });
    assert.ok(logs.items[0].message);
    const errors = await client.listWorkRequestErrors({ workRequestId: work.id });
    assert.equal(errors.items.length, 0);
    await assert.rejects(client.cancelWorkRequest({ workRequestId: work.id }),
      refusedWith(409, 'Conflict'));
    const works = await client.listWorkRequests({ compartmentId, resourceId: group.id });
    assert.ok(works.items.some((item) => item.id === work.id));

    const read = await client.getModelGroup({ modelGroupId: group.id });
    assert.deepEqual(read.modelGroup, group);
    assert.equal(read.etag, made.etag);
    const list = await client.listModelGroups({ compartmentId, projectId,
      lifecycleState: 'ACTIVE', sortBy: 'displayName', sortOrder: 'ASC', limit: 50 });
    assert.deepEqual(list.items.map((item) => item.id), [group.id]);
    assert.equal(list.items[0].displayName, 'My Model & Group');
    const ones = await client.listModelGroupModels({ compartmentId, modelGroupId: group.id });
    assert.deepEqual(ones.items.map((item) => item.inferenceKey).sort(), ['key1', 'key2']);
    assert.ok(ones.items.every((item) => item.lifecycleState === 'ACTIVE'));

    const nothing = await client.updateModelGroup({ modelGroupId: group.id,
      updateModelGroupDetails: {} });
    assert.equal(nothing.etag, made.etag);
    const updated = await client.updateModelGroup({ modelGroupId: group.id, ifMatch: made.etag,
      updateModelGroupDetails: { displayName: 'new', versionLabel: 'v2' } });
    assert.equal(updated.modelGroup.displayName, 'new');
    assert.equal(updated.modelGroup.versionLabel, 'v2');
    assert.notEqual(updated.etag, made.etag);
    await assert.rejects(client.updateModelGroup({ modelGroupId: group.id, ifMatch: made.etag,
      updateModelGroupDetails: { displayName: 'late' } }), refusedWith(412, 'NoEtagMatch'));

    const off = await client.deactivateModelGroup({ modelGroupId: group.id });
    assert.equal(off.modelGroup.lifecycleState, 'INACTIVE');
    const on = await client.activateModelGroup({ modelGroupId: group.id });
    assert.equal(on.modelGroup.lifecycleState, 'ACTIVE');
    await client.changeModelGroupCompartment({ modelGroupId: group.id,
      changeModelGroupCompartmentDetails: { compartmentId: `${compartmentId}-2` } });
    const moved = await client.getModelGroup({ modelGroupId: group.id });
    assert.equal(moved.modelGroup.compartmentId, `${compartmentId}-2`);
    const gone = await client.deleteModelGroup({ modelGroupId: group.id });
    const end = await finished(gone.opcWorkRequestId);
    assert.equal(end.operationType, 'MODEL_GROUP_DELETE');
    const waited = await client.createWaiters().forModelGroup({ modelGroupId: group.id },
      'DELETED');
    assert.equal(waited.modelGroup.lifecycleState, 'DELETED');
  },

  async 'what is refused has the status and code that clients know'() {
    await assert.rejects(client.getModelGroup({ modelGroupId: 'ocid1.datasciencemodelgroup.oc1..no' }),
      refusedWith(404, 'NotAuthorizedOrNotFound'));
    await assert.rejects(create('twice', [['k', models[0]], ['k', models[1]]]),
      refusedWith(400, 'InvalidParameter'));
    await assert.rejects(create('long', [['k'.repeat(33), models[0]]]),
      refusedWith(400, 'InvalidParameter'));
    await assert.rejects(create('related', [['k', models[0]]],
      { modelGroupVersionHistoryId: 'ocid1.dscmodelgroupversionhistory.oc1..no' }),
      refusedWith(400, 'RelatedResourceNotAuthorizedOrNotFound'));
    await assert.rejects(client.getModelGroupArtifactContent(
      { modelGroupId: 'ocid1.datasciencemodelgroup.oc1..no' }),
      refusedWith(501, 'MethodNotImplemented'));
  },

  async 'a retry token is one creation, and another body is refused'() {
    const request = (displayName) => ({ opcRetryToken: `token-${compartmentId}`,
      createBaseModelGroupDetails: { createType: 'CREATE', compartmentId, projectId,
        displayName, modelGroupDetails: { type: 'HOMOGENEOUS' },
        memberModelEntries: members([['k', models[0]]]) } });
    const first = await client.createModelGroup(request('once'));
    const second = await client.createModelGroup(request('once'));
    assert.equal(second.modelGroup.id, first.modelGroup.id);
    assert.equal(second.etag, first.etag);
    assert.equal(second.opcWorkRequestId, first.opcWorkRequestId);
    await assert.rejects(client.createModelGroup(request('other')),
      refusedWith(409, 'InvalidatedRetryToken'));
  },

  async 'a clone from a version history inserts, removes and becomes the latest'() {
    const first = (await create('line-1', [['key-1', models[0]], ['key-3', models[2]]])).modelGroup;
    const made = await client.createModelGroupVersionHistory({
      createModelGroupVersionHistoryDetails: { compartmentId, projectId, displayName: 'hist',
        latestModelGroupId: first.id } });
    const history = made.modelGroupVersionHistory;
    assert.ok(made.etag);
    assert.equal(history.latestModelGroupId, first.id);
    assert.equal(history.lifecycleState, 'ACTIVE');
    const clone = (await client.createModelGroup({ createBaseModelGroupDetails: {
      createType: 'CLONE', compartmentId, projectId, modelGroupCloneSourceDetails: {
        modelGroupCloneSourceType: 'MODEL_GROUP_VERSION_HISTORY', sourceId: history.id,
        modifyModelGroupDetails: { displayName: 'line-2', description: 'from mgvh' },
        patchModelGroupMemberModelDetails: { items: [
          { operation: 'INSERT', values: [{ inferenceKey: 'key-11', modelId: models[1] }] },
          { operation: 'REMOVE', values: [{ inferenceKey: 'key-3', modelId: models[2] }] },
        ] } } } })).modelGroup;
    assert.equal(clone.createType, 'CLONE');
    assert.equal(clone.sourceModelGroupId, first.id);
    assert.equal(clone.versionId, 2);
    assert.equal(clone.modelGroupVersionHistoryId, history.id);
    assert.equal(clone.modelGroupVersionHistoryName, 'hist');
    assert.deepEqual(clone.memberModelEntries.memberModelDetails
      .map((member) => member.inferenceKey).sort(), ['key-1', 'key-11']);
    const got = await client.getModelGroupVersionHistory(
      { modelGroupVersionHistoryId: history.id });
    assert.equal(got.modelGroupVersionHistory.latestModelGroupId, clone.id);
    const versions = await client.listModelGroups({ compartmentId,
      modelGroupVersionHistoryId: history.id });
    assert.deepEqual(versions.items.map((item) => item.versionId), [2, 1]);
    const back = await client.updateModelGroupVersionHistory({
      modelGroupVersionHistoryId: history.id, ifMatch: got.etag,
      updateModelGroupVersionHistoryDetails: { latestModelGroupId: first.id } });
    assert.equal(back.modelGroupVersionHistory.latestModelGroupId, first.id);
    const all = await client.listModelGroupVersionHistories({ compartmentId,
      displayName: 'hist' });
    assert.deepEqual(all.items.map((item) => item.id), [history.id]);
    await client.changeModelGroupVersionHistoryCompartment({
      modelGroupVersionHistoryId: history.id,
      changeModelGroupVersionHistoryCompartmentDetails: {
        compartmentId: `${compartmentId}-3` } });
    await assert.rejects(client.deleteModelGroupVersionHistory(
      { modelGroupVersionHistoryId: history.id }), refusedWith(409, 'Conflict'));
    await client.deleteModelGroup({ modelGroupId: clone.id });
    await client.deleteModelGroup({ modelGroupId: first.id });
    const gone = await client.deleteModelGroupVersionHistory(
      { modelGroupVersionHistoryId: history.id });
    assert.equal((await finished(gone.opcWorkRequestId)).operationType,
      'MODEL_GROUP_VERSION_HISTORY_DELETE');
  },

  async 'models are registered, read and listed'() {
    const { model } = await client.createModel({ createModelDetails: { compartmentId, projectId,
      displayName: 'churn', freeformTags: { team: 'a' } } });
    assert.equal((await client.getModel({ modelId: model.id })).model.displayName, 'churn');
    const list = await client.listModels({ compartmentId, displayName: 'churn' });
    assert.deepEqual(list.items.map((item) => item.id), [model.id]);
  },

  async 'pages follow one another to the end'() {
    for (let n = 0; n < 7; n++) await create(`page-${n}`, [['k', models[0]]]);
    const names = [];
    for await (const item of client.listAllModelGroups({ compartmentId, limit: 3,
      lifecycleState: 'ACTIVE', sortBy: 'displayName', sortOrder: 'DESC' }))
      if (item.displayName.startsWith('page-')) names.push(item.displayName);
    assert.deepEqual(names, [6, 5, 4, 3, 2, 1, 0].map((n) => `page-${n}`));
  },

  async 'a group is deployed, asked, replaced live and taken down'() {
    const one = (await create('v1', [['key1', models[0]], ['key2', models[1]]])).modelGroup;
    const two = (await create('v2', [['key1', models[2]], ['key2', models[1]]])).modelGroup;
    const made = await client.createModelDeployment({ createModelDeploymentDetails: {
      displayName: 'MMS', projectId, compartmentId, modelDeploymentConfigurationDetails: {
        deploymentType: 'MODEL_GROUP', modelGroupConfigurationDetails: { modelGroupId: one.id },
        infrastructureConfigurationDetails: { infrastructureType: 'INSTANCE_POOL',
          instanceConfiguration: { instanceShapeName: 'VM.Standard.E4.Flex',
            modelDeploymentInstanceShapeConfigDetails: { ocpus: 8, memoryInGBs: 128 } },
          scalingPolicy: { policyType: 'FIXED_SIZE', instanceCount: 1 }, bandwidthMbps: 10 },
        environmentConfigurationDetails: { environmentConfigurationType: 'DEFAULT',
          environmentVariables: { WEB_CONCURRENCY: '1' } } } } });
    const modelDeploymentId = made.modelDeployment.id;
    assert.ok(made.opcWorkRequestId && made.etag);
    assert.equal(made.modelDeployment.modelDeploymentUrl, `${url}/${modelDeploymentId}`);
    assert.equal((await finished(made.opcWorkRequestId)).status, 'SUCCEEDED');
    const { modelDeployment } = await client.createWaiters().forModelDeployment(
      { modelDeploymentId }, 'ACTIVE');
    const configuration = modelDeployment.modelDeploymentConfigurationDetails;
    assert.equal(configuration.modelGroupConfigurationDetails.modelGroupId, one.id);
    assert.equal(configuration.infrastructureConfigurationDetails.scalingPolicy.instanceCount, 1);
    assert.equal(configuration.environmentConfigurationDetails.environmentVariables
      .WEB_CONCURRENCY, '1');
    const states = await client.listModelDeploymentModelStates({ compartmentId,
      modelDeploymentId, inferenceKey: 'key1' });
    assert.deepEqual(states.items.map((item) => [item.modelId, item.state]),
      [[models[0], 'SUCCESS']]);

    const ask = async (model) => (await predictor.predict({ modelDeploymentId,
      requestBody: { model, prompt: 'hi' } })).value;
    const by = (id) => id.split('.').pop();
    assert.ok((await ask('key1')).by.startsWith(by(models[0])));
    assert.ok((await ask(models[1])).by.startsWith(by(models[1])));
    const chunks = [];
    const stream = await predictor.predictWithResponseStream({ modelDeploymentId,
      requestBody: { model: 'key1', prompt: 'hi' } });
    for await (const chunk of stream.value) chunks.push(Buffer.from(chunk));
    assert.ok(JSON.parse(Buffer.concat(chunks)).by.startsWith(by(models[0])));
    await assert.rejects(ask('nobody'), refusedWith(503, 'ServiceUnavailable'));

    await assert.rejects(client.deleteModelGroup({ modelGroupId: one.id }),
      refusedWith(409, 'Conflict'));
    const update = await client.updateModelDeployment({ modelDeploymentId,
      updateModelDeploymentDetails: { modelDeploymentConfigurationDetails: {
        deploymentType: 'MODEL_GROUP', updateType: 'LIVE',
        modelGroupConfigurationDetails: { modelGroupId: two.id } } } });
    assert.equal((await finished(update.opcWorkRequestId)).status, 'SUCCEEDED');
    await until('the second group', async () => (await ask('key1')).by.startsWith(by(models[2])));

    const off = await client.deactivateModelDeployment({ modelDeploymentId });
    assert.equal((await finished(off.opcWorkRequestId)).status, 'SUCCEEDED');
    await assert.rejects(ask('key1'), refusedWith(409, 'Conflict'));
    const on = await client.activateModelDeployment({ modelDeploymentId });
    assert.equal((await finished(on.opcWorkRequestId)).status, 'SUCCEEDED');
    await assert.rejects(client.changeModelDeploymentCompartment({ modelDeploymentId,
      changeModelDeploymentCompartmentDetails: { compartmentId: 'x' } }),
      refusedWith(501, 'MethodNotImplemented'));
    const list = await client.listModelDeployments({ compartmentId, displayName: 'MMS' });
    assert.deepEqual(list.items.map((item) => item.id), [modelDeploymentId]);
    const gone = await client.deleteModelDeployment({ modelDeploymentId });
    assert.equal((await finished(gone.opcWorkRequestId)).status, 'SUCCEEDED');
  },
};

(async () => {
  for (const [name, flow] of Object.entries(flows)) {
    await flow();
    console.log(`ok ${name}`);
  }
  client.close();
  predictor.close();
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
