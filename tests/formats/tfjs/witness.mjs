// TensorFlow.js itself: builds and saves models, and predicts with saved ones.
//   node witness.mjs FOLDER_OF_THE_PACKAGES make FOLDER        a folder per model: model.json, weights.bin, and io.json with inputs and outputs
//   node witness.mjs FOLDER_OF_THE_PACKAGES predict JOBS.json  [[model.json, [input, ...]], ...]; prints the outputs, or {"failed": why}
// Arrays are {"shape": [...], "values": [...]}.
import { createRequire } from 'node:module'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const [packages, task, place] = process.argv.slice(2)
const require = createRequire(join(packages, 'package.json'))
const tf = require('@tensorflow/tfjs-core')
const { layers: L, sequential, model, input, loadLayersModel } = require('@tensorflow/tfjs-layers')
require('@tensorflow/tfjs-backend-cpu')

// The methods of tensors that the layers call; only the package of everything together brings them.
const methods = Object.entries(tf).filter(([name, it]) => typeof it === 'function' && !(name in tf.Tensor.prototype))
for (const [name, it] of methods) tf.Tensor.prototype[name] = function (...rest) { return it(this, ...rest) }
tf.Tensor.prototype.flatten = function () { return tf.reshape(this, [this.size]) }

let seed = 1
function random() { // the same numbers in every run
  seed = (seed * 16807) % 2147483647
  return seed / 2147483647
}
const plain = (tensor) => ({ shape: tensor.shape, values: Array.from(tensor.dataSync()) })
const tensor = ({ shape, values }, dtype) => tf.tensor(values, shape, dtype)
const filled = (shape, of = () => random() * 2 - 1) => tf.tensor(Array.from({ length: tf.util.sizeFromShape(shape) }, of), shape)

function chain(...list) {
  const made = sequential()
  for (const layer of list) made.add(layer)
  return made
}
const vector = { inputShape: [4] }
const steps = { inputShape: [6, 3] }
const picture = { inputShape: [8, 8, 3] }
const activations = ['elu', 'selu', 'relu', 'relu6', 'linear', 'sigmoid', 'hardSigmoid', 'softplus', 'softsign', 'tanh', 'softmax', 'logSoftmax', 'gelu',
  'gelu_new', 'mish', 'swish']

function graph() {
  const left = input({ shape: [4], name: 'left' }), right = input({ shape: [4], name: 'right' })
  const shared = L.dense({ units: 4, activation: 'tanh', name: 'shared' })
  const inner = chain(L.dense({ units: 3, inputShape: [4], name: 'inner_dense' }), L.batchNormalization({ name: 'inner_bn' }))
  const [a, b] = [shared.apply(left), shared.apply(right)]
  const both = L.concatenate().apply([L.add().apply([a, b]), L.multiply().apply([a, b]), L.maximum().apply([a, b]), L.minimum().apply([a, b]),
    L.average().apply([a, b]), inner.apply(a), L.dot({ axes: 1, normalize: true }).apply([a, b])])
  return model({ inputs: [left, right], outputs: [L.dense({ units: 2 }).apply(both), inner.apply(b)] })
}

function nestedTwice() {
  const features = chain(L.conv2d({ filters: 3, kernelSize: 3, strides: 2, activation: 'relu', ...picture }), L.globalAveragePooling2d({}))
  const head = chain(L.dense({ units: 5, activation: 'relu', inputShape: [3] }), L.dense({ units: 2, activation: 'softmax' }))
  return chain(features, head)
}

const cells = () => [L.lstmCell({ units: 3 }), L.gruCell({ units: 2, recurrentActivation: 'sigmoid' }), L.simpleRNNCell({ units: 4 })]
const make = {
  ...Object.fromEntries(activations.map((name) => [`act_${name}`, () => chain(L.dense({ units: 4, ...vector }), L.activation({ activation: name }))])),
  advanced: () => chain(L.dense({ units: 4, ...vector }), L.prelu({}), L.leakyReLU({ alpha: 0.2 }), L.reLU({ maxValue: 0.8 }), L.softmax({})),
  leaky_default: () => chain(L.leakyReLU(vector), L.elu({})),
  thresholded: () => chain(L.thresholdedReLU({ theta: 0.3, ...vector })),
  conv1d: () => chain(L.conv1d({ filters: 4, kernelSize: 3, dilationRate: 2, ...steps }), L.maxPooling1d({ poolSize: 2 }), L.flatten({})),
  conv1d_same: () => chain(L.conv1d({ filters: 4, kernelSize: 2, padding: 'same', ...steps }), L.averagePooling1d({ poolSize: 2, padding: 'same' })),
  conv2d: () => chain(L.conv2d({ filters: 4, kernelSize: [3, 2], padding: 'same', strides: 2, activation: 'relu', ...picture }),
    L.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }), L.flatten({})),
  channels_first: () => chain(L.conv2d({ filters: 2, kernelSize: 3, dataFormat: 'channelsFirst', inputShape: [3, 8, 8] }), L.flatten({ dataFormat: 'channelsFirst' })),
  conv3d: () => chain(L.conv3d({ filters: 2, kernelSize: 2, inputShape: [4, 4, 4, 2] }), L.maxPooling3d({ poolSize: 2 }), L.flatten({})),
  transpose: () => chain(L.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: 'same', ...picture })),
  separable: () => chain(L.separableConv2d({ filters: 4, kernelSize: 3, ...picture }), L.depthwiseConv2d({ kernelSize: 3, useBias: false })),
  shapes: () => chain(L.zeroPadding2d({ padding: [[1, 0], [2, 1]], ...picture }), L.cropping2D({ cropping: [[0, 1], [1, 0]] }), L.upSampling2d({ size: [2, 3] }),
    L.globalMaxPooling2d({})),
  reshape: () => chain(L.permute({ dims: [2, 1], ...steps }), L.reshape({ targetShape: [2, 9] }), L.flatten({}), L.repeatVector({ n: 3 }), L.globalMaxPooling1d({})),
  normal: () => chain(L.layerNormalization(steps), L.batchNormalization({ scale: false, epsilon: 0.01 }), L.globalAveragePooling1d({})),
  dropouts: () => chain(L.dropout({ rate: 0.5, ...vector }), L.gaussianNoise({ stddev: 1 }), L.gaussianDropout({ rate: 0.5 }), L.alphaDropout({ rate: 0.5 }),
    L.dense({ units: 2 })),
  lstm: () => chain(L.lstm({ units: 4, returnSequences: true, ...steps }), L.lstm({ units: 3, goBackwards: true, recurrentActivation: 'sigmoid' })),
  lstm_forget: () => chain(L.lstm({ units: 4, useBias: false, ...steps })),
  gru: () => chain(L.gru({ units: 4, returnSequences: true, goBackwards: true, ...steps }), L.gru({ units: 3 })),
  simple: () => chain(L.simpleRNN({ units: 4, activation: 'relu', ...steps })),
  stacked: () => chain(L.rnn({ cell: cells(), returnSequences: true, ...steps })),
  cell: () => chain(L.rnn({ cell: L.lstmCell({ units: 3 }), ...steps })),
  ...Object.fromEntries(['concat', 'sum', 'mul', 'ave'].map((mode) => [`both_ways_${mode}`, () => chain(
    L.bidirectional({ layer: L.lstm({ units: 3, returnSequences: true }), mergeMode: mode, ...steps }), L.flatten({}))])),
  conv_lstm: () => chain(L.convLstm2d({ filters: 2, kernelSize: 3, padding: 'same', inputShape: [3, 5, 5, 2] })),
  distributed: () => chain(L.timeDistributed({ layer: L.dense({ units: 2, activation: 'relu' }), ...steps }), L.masking({ maskValue: 0 })),
  embedding: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.lstm({ units: 3 })),
  masked_mean: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.globalAveragePooling1d({})),
  masked_max: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.globalMaxPooling1d({})),
  masked_flat: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.flatten({})),
  masked_distributed: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.timeDistributed({ layer: L.dense({ units: 2 }) }), L.gru({ units: 2 })),
  masked_both: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.bidirectional({ layer: L.lstm({ units: 2, returnSequences: true }), mergeMode: 'concat' }), L.lstm({ units: 2 })),
  masked_sequences: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.simpleRNN({ units: 2, returnSequences: true, goBackwards: true }), L.dropout({ rate: 0.2 }), L.gru({ units: 2 })),
  masked_normal: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.batchNormalization({}), L.layerNormalization({}), L.activation({ activation: 'softmax' }), L.dense({ units: 3 }), L.gru({ units: 2 })),
  masked_softmax: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.softmax({}), L.gru({ units: 2 })),
  masked_add: () => {
    const x = input({ shape: [5] }), e = L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), f = L.embedding({ inputDim: 9, outputDim: 4, maskZero: false, inputLength: 5 })
    return model({ inputs: x, outputs: [L.lstm({ units: 2 }).apply(L.add().apply([e.apply(x), f.apply(x)])), L.lstm({ units: 2 }).apply(L.concatenate().apply([e.apply(x), f.apply(x)]))] })
  },
  masked_conv: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.conv1d({ filters: 2, kernelSize: 2 }), L.gru({ units: 2 })),
  masked_repeat: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.lstm({ units: 2 }), L.repeatVector({ n: 2 }), L.lstm({ units: 2 })),
  masked_reshape: () => chain(L.embedding({ inputDim: 9, outputDim: 4, maskZero: true, inputLength: 5 }), L.reshape({ targetShape: [5, 4] }), L.lstm({ units: 2 })),
  masking: () => chain(L.masking({ maskValue: 0.25, inputShape: [4, 2] }), L.lstm({ units: 3 })),
  encoding: () => chain(L.categoryEncoding({ numTokens: 9, outputMode: 'count', inputShape: [5] })),
  rescaling: () => chain(L.rescaling({ scale: 0.1, offset: 2, ...vector })),
  nested: nestedTwice,
  graph,
}
const tokens = (name) => name === 'embedding' || name === 'encoding' || name.startsWith('masked_')

async function save(net, folder) {
  mkdirSync(folder, { recursive: true })
  await net.save(tf.io.withSaveHandler(async (made) => {
    const { weightData, weightSpecs, ...rest } = made
    const manifest = { ...rest, weightsManifest: [{ paths: ['./weights.bin'], weights: weightSpecs }] }
    writeFileSync(join(folder, 'model.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'weights.bin'), Buffer.from(tf.io.concatenateArrayBuffers ? tf.io.concatenateArrayBuffers([weightData].flat()) : weightData))
    return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(made) }
  }))
}

async function makeAll(folder) {
  for (const [name, build] of Object.entries(make)) {
    const net = build()
    net.setWeights(net.weights.map((weight) => filled(weight.shape, weight.originalName.endsWith('variance') ? random : undefined)))
    const inputs = net.inputs.map((given) => filled([2, ...given.shape.slice(1)], tokens(name) ? () => Math.max(0, Math.floor(random() * 12) - 3) : name === 'masking' ? () => (random() < 0.5 ? 0.25 : random()) : undefined))
    await save(net, join(folder, name))
    let outputs
    try {
      outputs = [net.predict(inputs.length === 1 ? inputs[0] : inputs)].flat()
    } catch (error) {
      console.log(name, error.message)
      continue
    }
    writeFileSync(join(folder, name, 'io.json'), JSON.stringify({ inputs: inputs.map(plain), outputs: outputs.map(plain) }))
  }
}

async function load(path) {
  const said = JSON.parse(readFileSync(path))
  const parts = said.weightsManifest.flatMap((group) => group.paths.map((name) => readFileSync(join(dirname(path), name))))
  const weightData = new Uint8Array(Buffer.concat(parts)).buffer
  return loadLayersModel({ load: async () => ({ modelTopology: said.modelTopology, weightSpecs: said.weightsManifest.flatMap((group) => group.weights), weightData }) })
}

async function predict([path, given]) {
  try {
    const net = await load(path)
    const inputs = given.map((array) => tensor(array))
    return [net.predict(inputs.length === 1 ? inputs[0] : inputs)].flat().map(plain)
  } catch (error) {
    return { failed: String(error.message).slice(0, 300) }
  }
}

if (task === 'make') {
  await makeAll(place)
} else {
  const answers = []
  for (const job of JSON.parse(readFileSync(place))) answers.push(await predict(job))
  console.log(JSON.stringify(answers, (key, value) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)))
}
