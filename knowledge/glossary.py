"""A hand-written Chinese-English glossary of everyday customer-service words.

The default embedding model reads no Chinese. Glossed word by word ("退款 要 几天" ->
"refund need how many days"), Chinese text lands near the English it means: good enough
to compare with, not to read. Each line: what it becomes in English, then the Chinese words.
"""

from __future__ import annotations

GLOSSARY = """
refund: 退款 退钱 退费 退还 返还 退回来 还钱 退我钱
refund arrives: 到账 到帐 入账 入帐 退到
return: 退货 退掉 退换 可退 想退 要退 给退 退吗 退不 能退 不退 退了
return: 退 无理由退货 七天无理由
exchange: 换货 调换 更换 兑换 换一个 换一件 换成 换个 换新 换
send back: 寄回 寄回去 退回 送回 寄返 返厂
cancel: 取消 撤销 作废 撤单 不要了 不想要 不想要了 退订
order: 订单 下单 单子 订购 订货 下了单
order number: 订单号 订单编号
buy: 买 购买 购物 选购 买了 拍下 入手 采购
place an order: 提交订单 结算 结账
shopping cart: 购物车
shipping: 运费 邮费 快递费 物流费 配送费
free shipping: 包邮 免邮 免运费 免邮费
deliver: 配送 送货 派送 派件 投递 送到 送达 发到 送 运送 寄到 寄往 发往
dispatch: 发货 发出 出库 寄出 发走 出货
courier: 快递 快递员 快递公司 承运商 骑手 小哥 快递小哥 顺丰 圆通 中通 韵达 申通 京东快递 邮政
logistics tracking: 物流 物流信息 运单 轨迹
tracking number: 单号 运单号 快递单号 物流单号
track: 追踪 跟踪 查件 查快递 查物流
look up: 查询 查 查看 查一下 看看 看
cannot find: 查不到 查不了 找不到 搜不到 没记录 无记录
parcel: 包裹 快件 货 货物 件 邮包 箱子
package: 包装 外包装 包装盒 盒子 原包装
receive: 收到 收货 签收 收件 拿到 到手 取到 收 接收
not received: 没收到 未收到 没到 还没到 没拿到 收不到 没有收到 还没收到 未到
pick up: 取件 上门取件 自提 自取 提货 取货 上门 领取
pickup point: 自提点 驿站 快递柜 丰巢 代收点 菜鸟 网点 柜子
lost: 丢 丢失 丢件 丢了 不见了 弄丢 遗失
damaged: 破损 损坏 坏了 碎 碎了 烂了 压坏 摔坏 坏 破 破了 裂 划痕 瑕疵 变形
broken: 故障 失灵 开不了机 不转 不亮
not working: 不工作 用不了 不能用 没反应 无法使用 没法用 不好使
crash: 闪退 死机 卡死 崩溃 白屏
cannot open: 打不开 进不去 加载不出来
missing: 少 少了 缺 漏发 少发 缺少 漏 没有给 少件 缺货
wrong: 错 发错 错误 不对 搞错 弄错 填错 写错 错了 不一样 不符
late delay: 延迟 迟 晚 晚到 超时 延误 拖 逾期 太慢 慢
fast: 快 尽快 加急 急 急用 赶紧 马上 立刻 立即 加快 催 抓紧 赶时间
express delivery: 次日达 当日达 加急配送 特快 急送 隔日达
today: 今天 今日 当天
tomorrow: 明天 次日 隔天
yesterday: 昨天
week: 周 星期 礼拜 一周
weekend: 周末 周六 周日 双休
holiday: 节假日 假期 春节 国庆 过年 放假
month: 月 个月 每月 按月
year: 年 每年 一年
day: 天 日 工作日
hour: 小时 钟头
minute: 分钟
how long: 多久 多长时间 要多久 多少时间 多长 时效 期限 有效期 几天 多少天 几日 几个工作日
when: 什么时候 何时 啥时候 几时 几点 哪天 啥时
how: 怎么 怎样 如何 咋 怎么样 咋样 怎么弄 怎么办理 流程 步骤 方法 方式 操作
what should I do: 怎么办 咋办 怎么处理 如何处理 咋整 怎么解决
why: 为什么 为何 怎么回事 为啥 原因 什么原因 凭什么
where: 哪里 哪儿 在哪 到哪 哪 哪了 什么地方 位置
which: 哪些 哪个 哪种 哪家 什么样
who: 谁 哪位
what: 什么 啥 是什么 什么意思 含义
how much: 多少钱 多少 价格 价钱 几块 怎么收费 收费 费用 报价
can I: 可以 能不能 可不可以 能否 可否 能 行不行 行吗 可以吗 是否可以 允许
do you have: 有没有 有无 是否有 有吗
is there: 有
not: 不 没 没有 未 不能 无法 不行 不了 不会 不可以 不让 非
need: 需要 要 必须 得 一定要 要不要 用不用
want: 想 想要 希望 打算
already: 已经 已
still: 还 还是 仍然 依然 一直
only: 只 只有 仅 才
before: 之前 前 以前 事先
after: 之后 后 以后
first time: 第一次 首次 头一次
again: 再 再次 重新 又 重
another: 另 另外 别的 其他 其它 另一个 另一张
same: 一样 相同 同一 同款
different: 不同 不同的
more: 多 更多 多出
less: 少于 不够 低 偏低 比我付的少
pay: 付款 支付 付 付钱 缴费 交钱 给钱 买单 交 缴纳 付费 交费
payment method: 支付方式 付款方式
payment failed: 支付失败 付款失败 付不了 付不了款 支付不了 付不上
charge: 扣款 扣 扣费 扣钱 划扣 收 扣了
charged twice: 重复扣款 扣两次 扣了两次 多扣 重复支付 付了两次 扣了两遍 重复付款
money: 钱 款 款项 现金 资金 金额 块 元 块钱
price: 价 单价 原价 售价 定价
price drop: 降价 跌价 便宜了 保价 价保 差价 补差价
cheap: 便宜 优惠 实惠 划算
expensive: 贵 太贵
discount: 折扣 打折 折 减免 满减 特价 促销 活动 大促 清仓 秒杀 双十一 618
coupon: 优惠券 券 代金券 红包 抵用券 优惠码 折扣码 兑换码 促销码
gift card: 礼品卡 购物卡 储值卡 礼卡
gift: 礼物 送礼 赠品 礼品 送人 送朋友
gift wrapping: 礼品包装 包装礼物
points: 积分 点数 成长值
member: 会员 vip 等级 会籍
instalments: 分期 分期付款 花呗 白条 月供
card: 卡 银行卡 信用卡 借记卡 储蓄卡
bank: 银行 网银 开户行
account: 账户 账号 帐号 帐户 户头 用户
balance: 余额
wallet: 钱包 零钱
Alipay: 支付宝
WeChat: 微信
WeChat Pay: 微信支付
PayPal: 贝宝
cash on delivery: 货到付款
transfer: 转账 汇款 打款 转帐
speak to customer service: 转人工 转人工客服 找人工 人工客服 转接
withdraw: 提现 取款 取钱
deposit: 充值 存钱 存款 存 押金 定金
currency: 货币 币种 外币 美元 欧元 人民币
exchange rate: 汇率 换汇
fee: 手续费 服务费 费 年费 违约金
interest: 利息 利率
loan: 贷款 借款 借钱
repay: 还款 还清
tax: 税 税费 税号 税率 税务
customs duty: 关税 进口税 清关 海关 报关 补税
invoice: 发票 开票 开发票 开张发票 票据 电子发票 增值税发票 普票 抬头
wrong invoice: 发票开错 开错
special VAT invoice: 专票 专用发票 增值税专用发票 进项 抵扣
receipt: 收据 小票 凭证 单据
register: 注册 开通 新建账号 申请账号 办理
log in: 登录 登陆 登入 登不上 登不进去 登
log out: 退出 登出
password: 密码 口令
forgot password: 忘记密码 忘了密码 密码忘了 找回密码
reset: 重置 重设 恢复
verification code: 验证码 短信码 校验码
verify identity: 实名 认证 实名认证 验证 身份验证 核验
ID number: 身份证 身份证号 证件
phone number: 手机号 手机号码 电话号码 号码
phone: 手机 电话
call: 打电话 致电 来电 通话 拨打
text message: 短信 信息 消息
email: 邮箱 邮件 电子邮件
address: 地址 收货地址 住址 住处 地方
name: 姓名 名字 名称
change: 改 修改 更改 变更 改成 换绑 更新 改动 变
delete account: 注销 注销账号 删除账号 销号 删号
delete: 删除 删 移除 去掉 删掉 清除 解绑
add: 添加 加 增加 新增 追加 补 绑定 绑 加购
save: 保存 收藏
set up: 设置 设定 配置 调
turn off: 关闭 关掉 停用 关 停 关了
turn on: 打开 开启 启用 开通
privacy: 隐私 个人信息 信息安全
data: 数据 资料 记录
safe: 安全 保险 放心
hacked: 被盗 盗号 盗用 被黑
fraud: 诈骗 骗子 骗 欺诈 被骗 假冒 钓鱼
fake: 假货 假的 冒牌 山寨
genuine: 正品 真的 保真 真货
quality: 质量 品质 质检
warranty: 保修 质保 三包 保修期 延保 联保
repair: 维修 修 修理 返修 检修
spare part: 配件 零件 部件 备件
accessory: 附件
battery: 电池 续航
charger: 充电器 充电 充不进电
computer: 电脑 笔记本
software: 软件 程序
app: 应用 客户端
website: 网站 网页 官网 页面 平台 商城
link: 链接 网址
shop: 店 商店 店铺 门店 实体店 线下店 专卖店
seller: 卖家 商家 店家 客户经理
customer service: 客服 人工 售后 服务 在线客服
contact: 联系 联络 找 咨询
complaint: 投诉 举报 差评 维权 不满 不满意
review: 评价 评论 评分 晒单
compensation: 赔 赔偿 补偿 赔付 理赔
insurance: 保险 投保 运费险 保单
opening hours: 营业时间 几点开门 几点关门 上班 工作时间 服务时间
in stock: 有货 库存 现货 补货 到货 上架
out of stock: 没货 断货 售罄 卖完 缺货 无货 卖光
pre-order: 预售 预订 预定 预约
reservation: 订位 约
product: 商品 产品 东西 宝贝 物品
item: 单品
size: 尺码 尺寸 大小 码 号码大小 型号 规格 码数
too big: 太大 大了 偏大
too small: 太小 小了 偏小
colour: 颜色 色 色差
material: 材质 材料 面料 布料 成分
weight: 重量 重 公斤 斤
furniture: 家具 沙发 床 桌子 柜 衣柜 椅子
large item: 大件 大型
assembly installation: 安装 组装 装 拼装
instructions: 说明书 教程 指南 说明
how to use: 怎么用 使用方法 如何使用 使用
wash: 洗 清洗 机洗 洗涤 干洗
clothes: 衣服 裙子 裤子 衬衫 上衣 外套
shoes: 鞋 鞋子
lamp: 灯 台灯
food: 食品 吃的 生鲜 食物
eat: 吃
drink: 喝
toy: 玩具
children: 孩子 儿童 小孩 宝宝
opened: 拆 拆封 拆开 打开了 拆了 开封
used: 用过 使用过 穿过 试过 试用 试穿 二手 旧
new: 新 全新
tag label: 标签 吊牌 退货单 面单
throw away: 扔 扔了 丢掉
recycle: 回收 以旧换新 环保
home: 家 家里 在家 门口
not at home: 不在家 家里没人 没人 没人在家 没在家
neighbour: 邻居 门卫 物业 保安
sign: 签字 签名 代签 代收
myself: 本人 自己 亲自
family member: 家人 老公 老婆 爸妈 女儿 儿子 父母 亲戚
friend: 朋友 别人 他人 同事
company: 公司 企业 单位 对公
contract: 合同 协议
abroad: 国外 海外 境外 国际 出国
country: 国家 地区
China: 中国 大陆 国内 内地
Hong Kong: 香港 港澳台
US: 美国
EU: 欧盟 欧洲
Germany: 德国
France: 法国
Japan: 日本
UK: 英国
Beijing: 北京
Shanghai: 上海
remote area: 偏远 新疆 西藏 乡下 农村
island: 岛 海岛
city: 城市
warehouse: 仓库 仓
split: 分开 拆单 分批 拆成
together: 一起 合并 合单 一块 合在一起
part: 部分 一部分 一半
all: 全部 所有 整 全
two: 两 两个 两件 俩 二
one: 一个 一件 一张 一次
status: 状态 进度 进展
shows: 显示 提示 写着 说是 标着
not updated: 没更新 不更新 不动 没动静 没变 没变化 停在 卡在 不动了
transit: 途中 运输中 在路上 路上 转运 中转 中转站
arrived: 到了 已到 到 到达 抵达
successful: 成功 完成
failed: 失败 报错 出错 异常
processing: 处理中 审核 审批 审核中 待处理
wait: 等 等待 等了 待
confirm: 确认 核对 核实
confirmation email: 确认邮件 确认信 下单成功
notification: 通知 提醒 推送
advertising mail: 广告 骚扰 推广 营销短信 营销邮件
subscribe: 订阅 开通会员 连续包月 自动续费 续费
unsubscribe: 取消订阅 不想收 别再发
apply: 申请 报名
fill in: 填 填写 输入 写
upload: 上传 传
photo: 拍照 照片 图片 截图
video: 视频
download: 下载
print: 打印
forget: 忘 忘了 忘记 忘带
language: 语言 英文 英语 中文
limit: 限制 限额 额度 上限 限购 最多
minimum: 最少 起送 最低 门槛
condition: 条件 要求 规定 政策 规则
reason: 理由
proof: 证明 证据
problem: 问题 毛病
help: 帮 帮忙 帮助 协助 麻烦
urgent: 紧急
bulk order: 批量 团购 大批 大量 批发
wholesale company purchase: 企业采购 公司采购
job: 工作 招聘 应聘 求职
student: 学生
birthday: 生日
weather: 天气 下雨 气温 温度
stock market: 股市 股票 基金 炒股 大盘
news: 新闻
movie: 电影 电视剧
expire: 过期 失效 到期 作废了 有效
used up: 用完 用光
invite: 邀请 推荐 拉新
reward: 奖励 福利 权益 返现
earn: 攒 赚 获得 得到
worth: 值 抵多少 抵
locked: 锁 被锁 锁定 封号 被封 冻结 限制登录
log in two-step verification: 两步验证 双重验证 二次验证
merge: 合并账号
collect: 收集 采集 搜集
personal information: 个人数据
use: 用 用上 使用了
choose: 选 挑 选择
suitable: 合适 适合
care maintenance: 保养 护理 养护
plug: 插头 插座
voltage: 电压 伏
suspicious: 可疑 奇怪 陌生
official: 官方 官网 正规
attitude: 态度 脾气
rude: 恶劣 野蛮 粗暴 骂 吼
dangerous: 危险 隐患 起火 着火 爆炸 漏电 冒烟 烫
environment: 环境 可持续 碳
electrical appliance: 电器 家电
logo printing: 印logo 定制 印字
sample: 打样 样品 小样
quotation: 询价
another shop: 别家 其他平台 别的网站
match price: 同价 比价
greeting card: 贺卡 卡片
hide price: 不显示价格
switch: 切换 转换
region: 地域 区域
empty: 空 清空
refresh: 刷新
cache: 缓存
level: 等级
normal: 正常
real: 真 真的吗
satisfied: 满意
result: 结果
reply: 回复 答复 回应 理我
solve: 解决 处理 办
staff: 员工 人员 工作人员
open hours: 几点上班 几点下班
physical shop: 线下
number: 数量 几个
stop: 停止 终止
pause: 暂停
plan: 套餐 方案
upgrade: 升级
downgrade: 降级
speed: 网速 速度
network: 网络 信号 wifi 断网
traffic data: 流量
SIM card: 电话卡 sim卡
bill: 账单
overdue: 欠费 逾期
credit limit: 信用额度
install: 安装包
error: 错误提示 出错了 报错了 错误码
permission: 权限
administrator: 管理员
team: 团队
document: 文档 文件 材料
knowledge base: 知识库
model: 模型
server: 服务器
backup: 备份
version: 版本
configure: 部署 设置项
ticket: 票 门票 车票
seat: 座位 选座
baggage: 行李 托运
visa: 签证
check in: 入住 值机 报到
check out: 退房
room: 房间 客房
guest: 客人
breakfast: 早餐
appointment: 挂号
prescription: 处方
course: 课程 课 上课
teacher: 老师
tuition: 学费
certificate: 证书
music: 音乐 歌 唱歌
joke: 笑话 段子
poem: 诗 写诗 作诗
write: 写作 作文 文章
translate: 翻译
recipe cooking: 菜谱 做饭 做菜 红烧肉 炒 煮 食谱
restaurant: 餐厅 饭店 饭馆 餐馆 外卖 火锅
travel: 旅游 旅行 景点 攻略
flight: 机票 飞机 航班 机场
train: 火车 高铁 地铁
hotel: 酒店 宾馆 民宿
doctor: 医生 医院 看病 感冒 发烧 头疼 药 吃药
exam: 考试 考研 高考
school: 学校 大学 上学
mathematics: 数学 方程 计算 算 等于
programming code: 编程 代码 python java
football game: 足球 篮球 比赛 世界杯 奥运
game: 游戏
president: 总统 主席 总理
history: 历史 朝代
capital: 首都
dog: 狗 宠物
cat: 猫
love: 爱 恋爱 男朋友 女朋友 结婚
car: 车 汽车 开车 轮胎
house: 房子 租房 买房 房价
lottery: 彩票
star sign: 星座 运势 算命
sleep: 睡觉 失眠
age: 多大 几岁 年龄
gym: 健身 减肥 跑步
time now: 现在几点
novel book: 小说 书 书籍 看书 读书
English language: 学英语 口语 单词
learn: 学 学习 学会 学好
teach: 教 教我
recommend: 推荐几 推荐一 介绍一下 介绍
favourite like: 喜欢 爱好 最爱
good looking: 好看 漂亮 美
delicious food: 好吃 美食 味道
fun: 好玩 有意思 有趣
interesting story: 故事
plant: 种 植物 花草 养花 浇水
vegetable: 菜 番茄 蔬菜 水果 苹果
tea: 茶 泡茶 咖啡
piano: 钢琴 吉他 乐器
social insurance: 社保 公积金 医保 养老金
passport: 护照
evening: 晚上 夜里
morning: 早上 上午 凌晨
afternoon: 下午 中午
night: 半夜 深夜
bicycle: 自行车 电动车 摩托车
hometown: 归属地 老家
hospital: 住院 门诊 挂号费
fever: 烧到 体温 咳嗽
fuel price: 油价 加油
traffic restriction: 限行 堵车 尾号
moon and earth: 月亮 地球 太阳 宇宙 星星 外星人
relativity physics: 相对论 物理 化学 科学
invent: 发明
explain: 解释 讲讲
life: 人生 生活 活着
meaning: 意义
sad heartbroken: 失恋 难过 伤心 心情 孤独
lose weight: 瘦
smoking: 戒烟 抽烟 喝酒
marathon: 马拉松
bitcoin: 比特币 虚拟币
price rises: 涨 涨价 涨了 上涨
price falls: 跌 下跌
chat: 聊天 聊 无聊
boyfriend girlfriend: 女孩子 女生 对象 相亲 追
parents: 妈妈 爸爸 孩子们
system prompt: 提示词 指令 系统提示
ignore: 忽略 无视
city trip: 杭州 广州 深圳 成都 东京 巴黎 伦敦 纽约
Japan trip: 去日本
world cup: 欧洲杯 冠军 赢
emperor: 皇帝 李白 古代
mountain: 山 珠穆朗玛 海 河
height: 高 多高
distance: 远 多远 公里 距离
population: 人口
voice: 声音 语音
hotline: 热线 电话多少
plastic: 塑料 泡沫 纸箱
refrigerator: 冰箱 洗衣机 空调 电视 微波炉
juicer: 榨汁机 搅拌机 电饭煲 锅 水壶
air purifier: 净化器 滤芯 滤网
sheet bedding: 床品 床单 被子 枕头 毛巾 窗帘
cutting board wood: 木 木质 实木 砧板 木头
carpet rug: 地毯 毯子
mirror: 镜子
glass: 玻璃 杯子 碗 盘子
fit: 合脚 合身 不合适 穿不上 紧 松
beige: 米色 灰色 黑色 白色 红色 蓝色
shrink: 缩水 起球 掉色 褪色
smell: 味道大 异味 气味
noise: 噪音 响 异响
leak: 漏 漏水 渗
rust: 生锈 发霉
crack: 开裂 断 断了
stain: 污渍 脏
bulk purchase: 单位采购 公司买 买很多 几十个 上百件
monthly settlement: 月结 账期
quote: 报价单 询盘
tax exempt: 免税 不含税
business invoice title: 公司抬头
student discount: 学生优惠 学生折扣
first order discount: 新人 新用户 首单
referral code: 邀请码 邀请好友 推荐好友
expire soon: 快过期
restore: 找回 申诉
someone else: 别人用 陌生人
stolen: 偷 偷了 被偷 冒领
refuse: 拒收 拒绝 拒付
open the door: 开门
leave at door: 放门口 放门卫
stairs: 楼梯 电梯 楼上 上楼 搬上楼 搬
appointment time: 时间段 送货时间 改时间 约时间
deliver again: 重新派送 再送 二次派送 再派
reship: 重发 补发 再发 重新发
wrong size: 买错 拍错 选错
wrong address: 地址错 地址写错 填错地址
call back: 回电 回电话
reach no one: 打不通 没人接 没人理 不回复
superior: 上级 领导 总部
law: 法律 律师 消协 12315 起诉
evidence: 录音 聊天记录
cookie tracking: 追踪我
share with third party: 第三方 给谁看 泄露
export data: 导出
unlock: 解锁 解封 解冻
two accounts: 两个账号 多个账号
guest checkout: 不注册 游客
newsletter: 邮件太多 订阅邮件
app update: 更新app 最新版
browser: 浏览器
slow loading: 卡 很卡 加载慢 转圈
blank page: 空白
sound: 没声音
full: 满
enough: 够
over: 超过 以上
under: 以下 以内 之内
each time: 每次
usually: 一般 通常 平时
always: 总是 老是 每次都
suddenly: 突然
just now: 刚 刚才 刚刚
recently: 最近
early: 提前 早点
at the same time: 同时
nearby: 附近 周边 旁边
local: 当地 本地 同城
foreign: 外国 老外
original: 原来 本来 原先
half price: 半价
free: 免费 白送 不要钱
guarantee: 保证 承诺 担保
promise: 答应 说好
agree: 同意
difference: 区别 差别 差异
compare: 比 对比 比较
better: 更好 好一点
best: 最好 最佳
bad: 差 烂 垃圾
important: 重要
possible: 可能 有可能
impossible: 不可能
necessary: 有必要
automatic: 自动
manual: 手动
online: 网上 线上 在线
offline: 到店 去店里
write a review: 写评价 发不了评价
show: 展示 看到
see: 看见 看得到 看不到
hear: 听 听说
say: 说 讲
ask: 问 问一下
know: 知道 晓得
think: 觉得 认为 感觉
find: 找到 搜 搜索
make: 做 制作
keep: 留 保留 存着
bring: 带 拿 拿走 拉走
put: 放 放在
open: 开门时间
close: 下班
start: 开始
finish: 结束 做完
go: 去
come: 来 过来
give: 给
take: 拿 取
sell: 卖
spend: 花 花钱 消费
lend: 借
owe: 欠
win: 中奖 抽奖
thing: 事 事情
person: 人 个人
man: 男 男士
woman: 女 女士
old person: 老人
baby: 婴儿
picture: 画 图
world: 世界
"""
