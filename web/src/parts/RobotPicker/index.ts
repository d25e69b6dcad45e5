export * from './picker';
export { type Connection, ResultTime, RobotPicker, type RobotPickerProps, type Submission } from './RobotPicker';
