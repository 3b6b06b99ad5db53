// Reads workbooks with readers of other people's and prints a JSON object: by file, what was found, or {"failed": why}.
//   node read.mjs FOLDER_OF_THE_PACKAGES sheetjs|exceljs|validator|sheetjs-save|exceljs-save BOOK...
// "-save" writes BOOK.saved.xlsx instead.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'

const [folder, task, ...books] = process.argv.slice(2)
const require = createRequire(join(folder, 'package.json'))

function fromSheetJS(XLSX, book) {
  const sheets = {}
  for (const name of book.SheetNames) {
    sheets[name] = {}
    for (const [place, cell] of Object.entries(book.Sheets[name])) if (place[0] !== '!' && cell.v !== undefined) sheets[name][place] = cell.v
  }
  return sheets
}

function plain(value) {
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  if ('formula' in value || 'sharedFormula' in value) return value.result ?? null
  if ('richText' in value) return value.richText.map((piece) => piece.text).join('')
  return value.text ?? value.error ?? null
}

function fromExcelJS(book) {
  const sheets = {}
  for (const sheet of book.worksheets) {
    const cells = (sheets[sheet.name] = {})
    sheet.eachRow((row) => row.eachCell((cell) => {
      const value = cell.isMerged && cell.master !== cell ? null : plain(cell.value)
      if (value !== null) cells[cell.address] = value
    }))
  }
  return sheets
}

async function exceljs(path) {
  const ExcelJS = require('exceljs')
  const book = new ExcelJS.Workbook()
  await book.xlsx.load(readFileSync(path))
  return book
}

async function validate(path) {
  const main = join(folder, 'node_modules', '@xarsh', 'ooxml-validator', 'dist', 'src', 'index.js')
  const { validateFile } = await import(pathToFileURL(main))
  const result = await validateFile(path, { officeVersion: 'Microsoft365' })
  return result.errors.map((error) => `${error.path} ${error.xPath}: ${error.description}`)
}

const tasks = {
  sheetjs: (path) => { const XLSX = require('xlsx'); return fromSheetJS(XLSX, XLSX.read(readFileSync(path))) },
  exceljs: async (path) => fromExcelJS(await exceljs(path)),
  validator: validate,
  'sheetjs-save': (path) => { const XLSX = require('xlsx'); XLSX.writeFile(XLSX.read(readFileSync(path)), `${path}.saved.xlsx`) },
  'exceljs-save': async (path) => { await (await exceljs(path)).xlsx.writeFile(`${path}.saved.xlsx`) },
}
const found = {}
for (const path of books) {
  try { found[path] = (await tasks[task](path)) ?? null } catch (trouble) { found[path] = { failed: String(trouble.stack ?? trouble) } }
}
process.stdout.write(JSON.stringify(found))
